package opusblocks

import (
	"errors"
	"fmt"
	"io"
)

// Block is one opened block. Its packets are valid until the next call of the
// reader. A block without packets that is not the last is a sign of life.
type Block struct {
	Sequence uint32
	Offset   int64    // of its first byte in the file
	Size     int      // in the file, header and tag included
	Start    int64    // samples at 48 kHz before its first packet, pre-skip included
	End      int64    // after its last packet, less the end trim of the last block
	Packets  [][]byte // Opus packets (RFC 6716)
	Last     bool     // the authenticated end of the broadcast
}

// Reader opens a file block by block and, of a sealed one, gives out nothing
// unproved.
//
// Two kinds of failure are kept apart. What the format refuses is final: the
// reader returns that error for ever, whatever the source does later. What the
// source does (an error, an end of bytes before the end of the broadcast) is
// not: Continue goes on behind the last whole block.
type Reader struct {
	window   window
	envelope envelope
	first    int64  // in the file, of block 1
	offset   int64  // in the file, of the next block
	next     uint64 // sequence number of the next block
	pager    pager  // what the pages of the next block have to continue
	head     Head
	opened   bool // block 0 has been read
	jumped   bool // the next block that opens decides the order
	ended    bool
	err      error // final

	plaintext []byte
	packets   [][]byte
}

// NewReader reads a file from its first byte.
func NewReader(r io.Reader, key Key) *Reader { return newReader(r, newSealer(key)) }

func newReader(r io.Reader, e envelope) *Reader {
	z := &Reader{envelope: e, pager: pager{pageBlocks: e.pageBlocks()}}
	z.window.reset(r)
	return z
}

// Head returns what block 0 says, reading it first if need be.
func (z *Reader) Head() (Head, error) {
	if !z.opened {
		if err := z.readHead(); err != nil {
			return Head{}, err
		}
	}
	return z.head, nil
}

// FirstBlock returns where block 1 begins, once block 0 has been read: HeadSize
// in every sealed file.
func (z *Reader) FirstBlock() int64 { return z.first }

// Position returns the place after the last block that was read.
func (z *Reader) Position() Position {
	return Position{
		Offset: z.offset, Sequence: uint32(z.next),
		Samples: z.pager.granule, Serial: z.pager.serial, Page: z.pager.sequence,
	}
}

// Continue goes on with another source, whose first byte is the one at
// Position().Offset of the same file. The order is still checked.
func (z *Reader) Continue(src io.Reader) { z.window.reset(src) }

// Jump goes on with a source that begins at offset of the same file, which may
// be inside a block but not before FirstBlock: the first block that opens sets
// the order. Block 0 has to have been read before, because it alone proves
// that the key is the file's.
func (z *Reader) Jump(src io.Reader, offset int64) {
	z.window.reset(src)
	z.offset, z.jumped, z.ended = offset, true, false
}

// ReadBlock returns the next block with sound or a sign of life (block 0 is
// read on the way). After the last block it returns io.EOF. Its errors are a
// *BlockError, or what the source returned.
func (z *Reader) ReadBlock() (Block, error) {
	if _, err := z.Head(); err != nil {
		return Block{}, err
	}
	if z.err != nil {
		return Block{}, z.err
	}
	if z.ended {
		return Block{}, io.EOF
	}
	if z.jumped {
		return z.readFirst()
	}
	raw, err := z.peekBlock(z.envelope.extent)
	if err != nil {
		return Block{}, err
	}
	if sequence := z.envelope.sequence(raw); uint64(sequence) != z.next {
		return Block{}, z.fail(sequence, fmt.Errorf("%w: %d where %d belongs", ErrOrder, sequence, z.next))
	}
	if z.plaintext, err = z.envelope.open(z.plaintext[:0], raw); err != nil {
		return Block{}, z.fail(uint32(z.next), err)
	}
	return z.take(raw, true)
}

// fail makes err final.
func (z *Reader) fail(sequence uint32, err error) error {
	z.err = &BlockError{Sequence: sequence, Offset: z.offset, Err: err}
	return z.err
}

// readHead reads block 0. Nothing is consumed before it is whole, so that
// Continue can begin again with byte 0.
func (z *Reader) readHead() error {
	if z.err != nil {
		return z.err
	}
	raw, err := z.peekBlock(z.envelope.headExtent)
	if err != nil {
		return err
	}
	if z.plaintext, err = z.envelope.openHead(z.plaintext[:0], raw); err != nil {
		return z.fail(0, err)
	}
	head, serial, err := parseHead(z.plaintext)
	if err != nil {
		return z.fail(0, err)
	}
	z.head, z.opened = head, true
	z.pager.serial, z.pager.sequence = serial, firstPage
	z.advance(len(raw))
	z.first, z.next = z.offset, 1
	return nil
}

// advance consumes n bytes.
func (z *Reader) advance(n int) {
	z.window.discard(n)
	z.offset += int64(n)
}

// peekBlock returns the whole block that has to begin right here. extent is the
// envelope's.
func (z *Reader) peekBlock(extent func([]byte) (int, error)) ([]byte, error) {
	var start []byte
	for {
		size, refused := extent(start)
		if refused != nil {
			return nil, z.fail(uint32(z.next), refused)
		}
		if size <= len(start) {
			return start[:size], nil
		}
		var err error
		if start, err = z.window.peek(size); err != nil {
			if _, refused := extent(start); refused != nil {
				return nil, z.fail(uint32(z.next), refused)
			}
			return nil, z.cutOff(err)
		}
	}
}

// cutOff says what an error of the source means. It is not final.
func (z *Reader) cutOff(err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return &BlockError{Sequence: uint32(z.next), Offset: z.offset, Err: ErrCutOff}
	}
	return err
}

// take turns the plaintext of a proved block into packets and moves on.
func (z *Reader) take(raw []byte, anchored bool) (Block, error) {
	block := Block{Sequence: z.envelope.sequence(raw), Offset: z.offset, Size: len(raw)}
	if len(z.plaintext) > 0 {
		content, err := z.pager.parsePages(z.packets[:0], z.plaintext, anchored)
		if err != nil {
			return Block{}, z.fail(block.Sequence, err)
		}
		z.packets = content.packets
		block.Start, block.Packets, block.Last = content.start, content.packets, content.last
	} else {
		block.Start = z.pager.granule
	}
	block.End = z.pager.granule
	z.next = uint64(block.Sequence) + 1
	z.ended = block.Last
	z.jumped = false
	z.advance(len(raw))
	return block, nil
}

// readFirst hunts for the first block that opens after a jump. Bytes that do
// not open are not a failure: the jump may have landed inside a block. Signs
// of life are passed over, because they do not tell the time.
func (z *Reader) readFirst() (Block, error) {
	for {
		raw, err := z.candidate()
		if err != nil {
			return Block{}, err
		}
		z.plaintext, err = z.envelope.open(z.plaintext[:0], raw)
		switch {
		case err != nil:
			z.advance(1)
		case z.pager.isSign(z.plaintext):
			z.advance(len(raw))
		default:
			return z.take(raw, false)
		}
	}
}

// candidate moves on to the next bytes that look like a whole block.
func (z *Reader) candidate() ([]byte, error) {
	var start []byte
	for {
		size, refused := z.envelope.extent(start)
		if refused != nil {
			z.advance(1)
			start = nil
			continue
		}
		if size <= len(start) {
			return start[:size], nil
		}
		var err error
		if start, err = z.window.peek(size); err == nil {
			continue
		}
		// What looks like a block's beginning may promise more bytes than there
		// are. Too few even for a beginning are the end.
		if least, _ := z.envelope.extent(nil); size == least || (err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF)) {
			return nil, z.cutOff(err)
		}
		z.advance(1)
		start = nil
	}
}
