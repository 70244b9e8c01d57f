package blocks

import (
	"fmt"
	"io"
)

// Position is a place between two blocks of a file.
type Position struct {
	Offset   int64  // bytes of the file before this place
	Sequence uint32 // of the next block
}

// Writer adds blocks to a file and counts them.
//
// After an error of the underlying Write nothing more can be written: somebody may
// have seen a part of the block, so its sequence number must not be used again in
// this epoch.
type Writer struct {
	w        io.Writer
	form     Encoder
	offset   int64
	sequence uint64 // of the next block; 2^32 when all are used
	buf      []byte // the blocks that are being written
	err      error  // sticky
}

// NewWriter begins a file: it writes block 0, whose payload is head.
func NewWriter(w io.Writer, form Encoder, head []byte) (*Writer, error) {
	z := &Writer{w: w, form: form}
	if err := z.Write(head); err != nil {
		return nil, err
	}
	return z, nil
}

// ResumeWriter continues a file at the position of a [Reader] that has read block 0
// and all whole blocks behind it. The caller cuts the file there. It begins an epoch,
// so nothing is sealed twice, whatever somebody has written behind that position.
func ResumeWriter(w io.Writer, form Encoder, at Position) *Writer {
	form.BeginEpoch(at.Sequence)
	return &Writer{w: w, form: form, offset: at.Offset, sequence: uint64(at.Sequence)}
}

// Position returns the place after the last block.
func (z *Writer) Position() Position {
	return Position{Offset: z.offset, Sequence: uint32(z.sequence)}
}

// Err returns why nothing more can be written, or nil.
func (z *Writer) Err() error { return z.err }

// Write adds a block for each payload, with one Write of all of them. It returns
// ErrFull when only one sequence number is left, which Finish needs. A payload that
// is too large for a block leaves the file as it was. Write does not allocate.
func (z *Writer) Write(payloads ...[]byte) error {
	return z.write(payloads, maxSequence)
}

// Finish is Write for the last blocks of the file. That they are the last only their
// payloads can say.
func (z *Writer) Finish(payloads ...[]byte) error {
	err := z.write(payloads, maxSequence+1)
	if err == nil {
		z.err = ErrFinished
	}
	return err
}

// write adds blocks whose numbers have to be below limit.
func (z *Writer) write(payloads [][]byte, limit uint64) error {
	if z.err != nil {
		return z.err
	}
	if z.sequence+uint64(len(payloads)) > limit {
		return ErrFull
	}
	for _, payload := range payloads {
		if size := len(payload) + z.form.Overhead(); size > MaxBlockSize {
			return fmt.Errorf("a block of %d bytes is larger than %d", size, MaxBlockSize)
		}
	}
	z.encode(payloads)
	if _, err := z.w.Write(z.buf); err != nil {
		z.err = fmt.Errorf("write block: %w", err)
		return z.err
	}
	z.offset += int64(len(z.buf))
	return nil
}

// encode makes blocks of the payloads. From here on their sequence numbers are
// used.
func (z *Writer) encode(payloads [][]byte) {
	z.buf = z.buf[:0]
	for _, payload := range payloads {
		z.buf = z.form.Append(z.buf, uint32(z.sequence), payload)
		z.sequence++
	}
}
