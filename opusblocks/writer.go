package opusblocks

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
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

// Writer makes blocks of packets: sealed ones, or those of a plain file. Each
// call that adds a block makes exactly one Write of the whole block.
//
// After an error of the underlying Write nothing more can be written: somebody
// may have seen a part of the block, and its sequence number is spent.
type Writer struct {
	// OnBlock, if it is set, is called with every block behind block 0 as soon as
	// it is written, before the call that wrote it returns. The blocks are those
	// that a Reader of the file will return, in the same order. [SeekTable.Add]
	// fits.
	OnBlock func(Block)

	w        io.Writer
	envelope envelope
	pager    pager
	sequence uint64 // of the next block; 2^32 when all are spent
	offset   int64
	buf      []byte // the block that is being made
	err      error  // sticky
}

// NewWriter begins a file: it writes the magic bytes and block 0.
func NewWriter(w io.Writer, key Key, head Head) (*Writer, error) {
	return beginWriter(w, newSealer(key), head)
}

func beginWriter(w io.Writer, e envelope, head Head) (*Writer, error) {
	var serial [4]byte
	rand.Read(serial[:])
	z := newWriter(w, e, Position{Serial: binary.LittleEndian.Uint32(serial[:])})
	pages, err := e.headPages(head, z.pager.serial)
	if err != nil {
		return nil, err
	}
	z.pager.sequence = firstPage
	if err := z.emit(append(z.begin(), pages...)); err != nil {
		return nil, err
	}
	return z, nil
}

// ResumeWriter continues a file at the position of a Reader that has read all
// whole blocks of it. The caller cuts the file there; whoever has seen bytes
// beyond that position must never see others with these sequence numbers.
func ResumeWriter(w io.Writer, key Key, at Position) *Writer {
	return newWriter(w, newSealer(key), at)
}

func newWriter(w io.Writer, e envelope, at Position) *Writer {
	return &Writer{
		w:        w,
		envelope: e,
		pager:    pager{serial: at.Serial, sequence: at.Page, granule: at.Samples, pageBlocks: e.pageBlocks()},
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

// WriteBlock makes the next block of packets, which are at least one. It
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
	if z.pager.pageBlocks {
		return z.writePages(nil, false, 0)
	}
	before := z.Position()
	if err := z.emit(z.begin()); err != nil {
		return err
	}
	z.pager.laid = append(z.pager.laid[:0], laid{end: before.Samples})
	z.report(before, nil, false)
	return nil
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
	before, at := z.pager, z.Position()
	block, err := z.pager.appendPages(z.begin(), packets, last, endTrim)
	if err != nil {
		return err
	}
	if len(block)+TagSize > MaxBlockSize {
		z.pager = before
		return fmt.Errorf("a block of %d bytes is larger than %d", len(block)+TagSize, MaxBlockSize)
	}
	if err := z.emit(block); err != nil {
		return err
	}
	z.report(at, packets, last)
	return nil
}

// report tells OnBlock of the blocks that were written from at on.
func (z *Writer) report(at Position, packets [][]byte, last bool) {
	if z.OnBlock == nil {
		return
	}
	for i, laid := range z.pager.laid {
		block := Block{
			Sequence: at.Sequence + uint32(i), Offset: at.Offset, Size: z.envelope.size(laid.size),
			Start: at.Samples, End: laid.end, Packets: packets[:laid.packets:laid.packets],
			Last: last && i == len(z.pager.laid)-1,
		}
		z.OnBlock(block)
		at.Offset += int64(block.Size)
		at.Samples = block.End
		packets = packets[laid.packets:]
	}
}

// begin returns the buffer with what stands before the pages.
func (z *Writer) begin() []byte { return z.envelope.begin(z.buf[:0], uint32(z.sequence)) }

// emit makes a block of the pages in buf and writes it.
func (z *Writer) emit(buf []byte) error {
	z.buf = z.envelope.end(buf, uint32(z.sequence))
	z.sequence++
	if z.pager.pageBlocks { // there may have been several
		z.sequence = uint64(z.pager.sequence) - firstPage + 1
	}
	n, err := z.w.Write(z.buf)
	z.offset += int64(n)
	if err != nil {
		z.err = fmt.Errorf("write block: %w", err)
	}
	return z.err
}
