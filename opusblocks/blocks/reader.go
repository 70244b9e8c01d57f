package blocks

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Block is a block as it stands in a file.
type Block struct {
	Sequence uint32
	Offset   int64  // of its first byte in the file
	Size     int    // bytes in the file
	Payload  []byte // valid until the next call
	Raw      []byte // as it stands in the file, valid until the next call
	Epoch    Epoch  // under whose key it was sealed
}

// Reader opens a file block by block. Of a sealed file it returns nothing that has
// not been authenticated. It does not know which block is the last: the caller,
// who understands the payloads, does.
//
// There are two kinds of failure. A block that the form or the caller refuses is
// final: the reader returns that error for ever, whatever the source does later.
// An error of the source, or an end of its bytes, is not final: Continue goes on
// behind the last whole block.
type Reader struct {
	queue  byteQueue
	form   Decoder
	head   []byte   // payload of block 0, nil before it was read
	raw    []byte   // of block 0 and what is before it
	first  int64    // in the file, of block 1
	offset int64    // in the file, of the next block
	next   uint64   // sequence number of the next block
	epoch  Epoch    // of the block returned last
	jumped bool     // the next block that opens sets the order
	last   Position // before the block returned last
	err    error    // final

	payload []byte
}

// NewReader reads a file from its first byte.
func NewReader(r io.Reader, form Decoder) *Reader {
	z := &Reader{form: form}
	z.queue.reset(r)
	return z
}

// Head returns the payload of block 0, reading it first if need be.
func (z *Reader) Head() ([]byte, error) {
	if z.head == nil {
		if err := z.readHead(); err != nil {
			return nil, err
		}
	}
	return z.head, nil
}

// RawHead returns the bytes of the file before block 1, once block 0 has been read.
func (z *Reader) RawHead() []byte { return z.raw }

// FirstBlock returns where block 1 begins, once block 0 has been read.
func (z *Reader) FirstBlock() int64 { return z.first }

// Position returns the place after the last block that was read and not rejected.
func (z *Reader) Position() Position {
	return Position{Offset: z.offset, Sequence: uint32(z.next)}
}

// Continue goes on with another source, whose first byte is the one at
// Position().Offset of the same file. The order is still checked.
func (z *Reader) Continue(src io.Reader) { z.queue.reset(src) }

// Jump goes on with a source that begins at offset of the same file, which may be
// inside a block but not before FirstBlock: the first block that opens sets the
// order. Block 0 has to have been read before, because it alone proves that the
// key belongs to the file.
func (z *Reader) Jump(src io.Reader, offset int64) {
	z.queue.reset(src)
	z.offset, z.jumped = offset, true
}

// Resync lets the next block that opens set the order, as after Jump. A caller
// needs it when the first block after a jump does not say enough to go on from.
func (z *Reader) Resync() { z.jumped = true }

// Next returns the next block behind block 0, which it reads first if need be. Its
// errors are a *BlockError, which wraps ErrCutOff where the bytes end, or the
// error of the source.
func (z *Reader) Next() (Block, error) {
	if _, err := z.Head(); err != nil {
		return Block{}, err
	}
	if z.err != nil {
		return Block{}, z.err
	}
	if z.jumped {
		return z.findBlock()
	}
	raw, err := z.peekBlock(z.form.Extent)
	if err != nil {
		return Block{}, err
	}
	if sequence := z.form.Sequence(raw); uint64(sequence) != z.next {
		return Block{}, z.fail(sequence, fmt.Errorf("%w: %d where %d belongs", ErrOrder, sequence, z.next))
	}
	if epoch := z.form.Epoch(raw); !epoch.follows(z.epoch, uint32(z.next)) {
		return Block{}, z.fail(uint32(z.next), fmt.Errorf("%w: it belongs to the epoch that block %d began", ErrOrder, epoch.Begin))
	}
	if z.payload, err = z.form.Open(z.payload[:0], raw); err != nil {
		return Block{}, z.fail(uint32(z.next), err)
	}
	return z.accept(raw), nil
}

// Reject refuses the block that was returned last (or block 0, if there was none)
// because its payload breaks the rules of the caller. From then on the reader
// returns err, and its position is the one before that block.
func (z *Reader) Reject(err error) error {
	z.offset, z.next = z.last.Offset, uint64(z.last.Sequence)
	if z.last.Sequence == 0 {
		z.head = nil
	}
	return z.fail(z.last.Sequence, err)
}

// fail makes err final.
func (z *Reader) fail(sequence uint32, err error) error {
	z.err = &BlockError{Sequence: sequence, Offset: z.offset, Err: err}
	return z.err
}

// readHead reads block 0. Nothing is consumed before the block is whole, so that
// Continue can begin again at byte 0.
func (z *Reader) readHead() error {
	if z.err != nil {
		return z.err
	}
	raw, err := z.peekBlock(z.form.HeadExtent)
	if err != nil {
		return err
	}
	if z.payload, err = z.form.OpenHead(z.payload[:0], raw); err != nil {
		return z.fail(0, err)
	}
	z.head, z.raw = append([]byte{}, z.payload...), bytes.Clone(raw)
	z.advance(len(raw))
	z.first, z.next = z.offset, 1
	return nil
}

// accept moves on behind a whole block that has opened.
func (z *Reader) accept(raw []byte) Block {
	block := Block{Sequence: z.form.Sequence(raw), Offset: z.offset, Size: len(raw), Payload: z.payload, Raw: raw, Epoch: z.form.Epoch(raw)}
	z.last = Position{Offset: block.Offset, Sequence: block.Sequence}
	z.next, z.epoch = uint64(block.Sequence)+1, z.form.Epoch(raw)
	z.jumped = false
	z.advance(len(raw))
	return block
}

// advance consumes n bytes.
func (z *Reader) advance(n int) {
	z.queue.discard(n)
	z.offset += int64(n)
}

// peekBlock returns the whole block that has to begin right here. extent is that
// of the form.
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
		if start, err = z.queue.peek(size); err != nil {
			if _, refused := extent(start); refused != nil {
				return nil, z.fail(uint32(z.next), refused)
			}
			return nil, z.sourceError(err)
		}
	}
}

// sourceError returns what Next returns for an error of the source.
func (z *Reader) sourceError(err error) error {
	if isEnd(err) {
		return &BlockError{Sequence: uint32(z.next), Offset: z.offset, Err: ErrCutOff}
	}
	return err
}

// isEnd reports whether a source has no more bytes.
func isEnd(err error) bool { return err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) }

// findBlock looks for the first block that opens after a jump. Bytes that do not
// open are not refused: the jump may have led into the middle of a block.
func (z *Reader) findBlock() (Block, error) {
	for {
		raw, err := z.candidate()
		if err != nil {
			return Block{}, err
		}
		if z.payload, err = z.form.Open(z.payload[:0], raw); err != nil {
			z.advance(1)
			continue
		}
		sequence, begin := z.form.Sequence(raw), z.form.Epoch(raw).Begin
		if sequence == 0 { // its payload must not pass for that of another
			return Block{}, z.fail(0, fmt.Errorf("%w: block 0 behind block 1", ErrMalformed))
		}
		if begin > sequence {
			return Block{}, z.fail(sequence, fmt.Errorf("%w: its epoch begins with block %d", ErrOrder, begin))
		}
		return z.accept(raw), nil
	}
}

// candidate goes to the next bytes that look like a whole block.
func (z *Reader) candidate() ([]byte, error) {
	least, _ := z.form.Extent(nil)
	var start []byte
	for {
		size, refused := z.form.Extent(start)
		if refused != nil || z.overlapped(start, least) {
			z.advance(1)
			start = nil
			continue
		}
		if size <= len(start) {
			return start[:size], nil
		}
		if len(start) == least {
			size = min(size, 2*least) // enough for overlapped, before the whole is waited for
		}
		var err error
		if start, err = z.queue.peek(size); err == nil {
			continue
		}
		// Bytes that look like the beginning of a block may ask for more than the source
		// has: then they are none. It is the end when even a beginning does not fit.
		if size == least || !isEnd(err) {
			return nil, z.sourceError(err)
		}
		z.advance(1)
		start = nil
	}
}

// overlapped reports whether another block seems to begin inside the first bytes, so many as
// a beginning has, of the one that seems to begin here. Only one of the two can be real, and the
// later one is taken for it. Where the byte before a header is ff, as one in 256 is, a marker
// seems to begin there too, and the reader of a file that grows would wait in vain for the block
// that it announces, which is 256 times as long as the real one. The other error, a block that is
// passed over because its header seems to hold another, is rare and does no harm: the next block
// is found instead.
func (z *Reader) overlapped(start []byte, least int) bool {
	for at := 1; at < least && at+least <= len(start); at++ {
		if _, refused := z.form.Extent(start[at:]); refused == nil {
			return true
		}
	}
	return false
}
