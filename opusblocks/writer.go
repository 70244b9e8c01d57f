package opusblocks

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// Position is a place between two blocks, and all that has to be continued
// there. A Writer and a Reader each have one.
type Position struct {
	Offset   int64  // bytes of the file before this place
	Sequence uint32 // of the next block
	Samples  int64  // at 48 kHz before this place, pre-skip included
	Serial   uint32 // of the Ogg stream
	Page     uint32 // number of the next Ogg page
}

// Writer seals packets into blocks. Each call that adds a block makes exactly
// one Write of the whole block.
//
// After an error of the underlying Write nothing more can be written: the
// sequence number is spent, and only a repetition of the same bytes could use
// it again.
type Writer struct {
	w        io.Writer
	sealer   *sealer
	pager    pager
	sequence uint64 // of the next block; 2^32 when all are spent
	offset   int64
	buf      []byte // the block that is being made
	err      error  // sticky
}

// NewWriter begins a file: it writes the magic bytes and block 0.
func NewWriter(w io.Writer, key Key, head Head) (*Writer, error) {
	var serial [4]byte
	rand.Read(serial[:])
	z := newWriter(w, key, Position{Serial: binary.LittleEndian.Uint32(serial[:])})
	pages, err := head.pages(z.pager.serial)
	if err != nil {
		return nil, err
	}
	z.pager.sequence = 2
	if err := z.emit(append(z.begin(), pages...)); err != nil {
		return nil, err
	}
	return z, nil
}

// ResumeWriter continues a file at the position of a Reader that has read all
// whole blocks of it. The caller cuts the file there; whoever has seen bytes
// beyond that position must never see others with these sequence numbers.
func ResumeWriter(w io.Writer, key Key, at Position) *Writer {
	return newWriter(w, key, at)
}

func newWriter(w io.Writer, key Key, at Position) *Writer {
	return &Writer{
		w:        w,
		sealer:   newSealer(key),
		pager:    pager{serial: at.Serial, sequence: at.Page, granule: at.Samples},
		sequence: uint64(at.Sequence),
		offset:   at.Offset,
	}
}

// Position returns the place after the last block.
func (z *Writer) Position() Position {
	return Position{
		Offset: z.offset, Sequence: uint32(z.sequence),
		Samples: z.pager.granule, Serial: z.pager.serial, Page: z.pager.sequence,
	}
}

// WriteBlock seals packets, which are at least one, into the next block. It
// returns ErrFull when the one sequence number left is needed by Finish. It
// does not keep the packets and does not allocate.
func (z *Writer) WriteBlock(packets [][]byte) error {
	if z.err == nil && z.sequence >= maxSequence {
		return ErrFull
	}
	return z.writePages(packets, false, 0)
}

// KeepAlive writes an empty block: a sign of life while there is no sound.
func (z *Writer) KeepAlive() error {
	if z.err != nil {
		return z.err
	}
	if z.sequence >= maxSequence {
		return ErrFull
	}
	return z.emit(z.begin())
}

// Finish writes the last block, which says that it is the last. It may carry
// packets; endTrim is how many samples of them, at the end, are not sound.
func (z *Writer) Finish(packets [][]byte, endTrim int) error {
	if err := z.writePages(packets, true, endTrim); err != nil {
		return err
	}
	z.err = ErrFinished
	return nil
}

// writePages makes a block of Ogg pages. Bad packets leave no trace.
func (z *Writer) writePages(packets [][]byte, last bool, endTrim int) error {
	if z.err != nil {
		return z.err
	}
	before := z.pager
	block, err := z.pager.appendPages(z.begin(), packets, last, endTrim)
	if err != nil {
		return err
	}
	if len(block)+TagSize > MaxBlockSize {
		z.pager = before
		return fmt.Errorf("a block of %d bytes is larger than %d", len(block)+TagSize, MaxBlockSize)
	}
	return z.emit(block)
}

// begin returns the buffer with room for what stands before the plaintext.
func (z *Writer) begin() []byte {
	if z.offset > 0 {
		return append(z.buf[:0], make([]byte, HeaderSize)...)
	}
	return append(append(z.buf[:0], magic...), make([]byte, HeaderSize)...)
}

// emit seals the plaintext behind the header in buf and writes the result.
func (z *Writer) emit(buf []byte) error {
	buf = slices.Grow(buf, TagSize)
	prefix := 0
	if z.offset == 0 {
		prefix = len(magic)
	}
	sealed := z.sealer.seal(buf[prefix:], uint32(z.sequence)) // in place: there is room for the tag
	putChecksum(sealed)
	z.buf = buf[:prefix+len(sealed)]
	z.sequence++
	n, err := z.w.Write(z.buf)
	z.offset += int64(n)
	if err != nil {
		z.err = fmt.Errorf("write block: %w", err)
	}
	return z.err
}
