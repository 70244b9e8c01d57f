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

// Block is a block as it stands in a file.
type Block struct {
	Sequence uint32
	Offset   int64  // of its first byte in the file
	Size     int    // bytes in the file
	Payload  []byte // valid until the next call
}

// Writer adds blocks to a file and counts them.
//
// After an error of the underlying Write nothing more can be written: somebody may
// have seen a part of the block, so its sequence number must not be used again.
type Writer struct {
	w        io.Writer
	form     Encoder
	offset   int64
	sequence uint64 // of the next block; 2^32 when all are used
	buf      []byte // the blocks that are being written
	written  []Block
	err      error // sticky
}

// NewWriter begins a file: it writes block 0, whose payload is head.
func NewWriter(w io.Writer, form Encoder, head []byte) (*Writer, error) {
	z := ResumeWriter(w, form, Position{})
	if _, err := z.Write(head); err != nil {
		return nil, err
	}
	return z, nil
}

// ResumeWriter continues a file at the position of a [Reader] that has read all
// whole blocks of it. The caller cuts the file there. It must be certain that
// nobody has seen bytes beyond that position: their sequence numbers will be used
// again.
func ResumeWriter(w io.Writer, form Encoder, at Position) *Writer {
	return &Writer{w: w, form: form, offset: at.Offset, sequence: uint64(at.Sequence)}
}

// Position returns the place after the last block.
func (z *Writer) Position() Position {
	return Position{Offset: z.offset, Sequence: uint32(z.sequence)}
}

// Err returns why nothing more can be written, or nil.
func (z *Writer) Err() error { return z.err }

// Write adds a block for each payload with one Write of all of them, and returns
// the blocks, which are valid until the next call. It returns ErrFull when only one
// sequence number is left, which Finish needs. A payload that is too large for a
// block leaves the file as it was. Write does not allocate.
func (z *Writer) Write(payloads ...[]byte) ([]Block, error) {
	return z.write(payloads, maxSequence)
}

// Finish is Write for the last blocks of the file. That they are the last only their
// payloads can say.
func (z *Writer) Finish(payloads ...[]byte) ([]Block, error) {
	written, err := z.write(payloads, maxSequence+1)
	if err == nil {
		z.err = ErrFinished
	}
	return written, err
}

// write adds blocks whose numbers have to be below limit.
func (z *Writer) write(payloads [][]byte, limit uint64) ([]Block, error) {
	if z.err != nil {
		return nil, z.err
	}
	if z.sequence+uint64(len(payloads)) > limit {
		return nil, ErrFull
	}
	for _, payload := range payloads {
		if size := len(payload) + z.form.Overhead(); size > MaxBlockSize {
			return nil, fmt.Errorf("a block of %d bytes is larger than %d", size, MaxBlockSize)
		}
	}
	z.encode(payloads)
	if _, err := z.w.Write(z.buf); err != nil {
		z.err = fmt.Errorf("write block: %w", err)
		return nil, z.err
	}
	z.offset += int64(len(z.buf))
	return z.written, nil
}

// encode makes blocks of the payloads. From here on their sequence numbers are
// used.
func (z *Writer) encode(payloads [][]byte) {
	z.buf, z.written = z.buf[:0], z.written[:0]
	for _, payload := range payloads {
		start := len(z.buf)
		z.buf = z.form.Append(z.buf, uint32(z.sequence), payload)
		z.written = append(z.written, Block{
			Sequence: uint32(z.sequence), Offset: z.offset + int64(start),
			Size: len(z.buf) - start, Payload: payload,
		})
		z.sequence++
	}
}
