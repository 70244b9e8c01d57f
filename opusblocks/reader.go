package opusblocks

import (
	"io"

	"broadcastbot/opusblocks/blocks"
)

// Reader opens a file block by block. Of a sealed file it returns nothing that has
// not been authenticated.
//
// There are two kinds of failure. A block that the format refuses is final: the
// reader returns that error for ever, whatever the source does later. An error of
// the source, or an end of its bytes before the end of the show, is not final:
// Continue goes on behind the last whole block.
type Reader struct {
	file   *blocks.Reader
	pages  pageReader
	head   Head
	opened bool // block 0 has been read
	jumped bool // the next block with packets sets page number and time
	ended  bool

	verifier *verifier // nil: it is not known who signs the file

	payload []byte // of the block returned last
	packets [][]byte
}

// NewReader reads a file from its first byte.
func (f Form) NewReader(r io.Reader) *Reader {
	z := &Reader{file: blocks.NewReader(r, f.blocks()), pages: pageReader{pageBlocks: f.pageBlocks}}
	if f.signer != nil {
		z.verifier = &verifier{signer: f.signer}
	}
	return z
}

// Head returns what block 0 says, reading it first if need be.
func (z *Reader) Head() (Head, error) {
	if z.opened {
		return z.head, nil
	}
	payload, err := z.file.Head()
	if err != nil {
		return Head{}, err
	}
	head, serial, err := parseHead(payload)
	if err != nil {
		return Head{}, z.file.Reject(err)
	}
	z.head, z.opened = head, true
	z.pages.continuity = continuity{serial: serial, page: firstPage}
	if z.verifier != nil {
		z.verifier.begin(z.file.RawHead())
	}
	return head, nil
}

// FirstBlock returns where block 1 begins, once block 0 has been read: HeadSize
// in every sealed file.
func (z *Reader) FirstBlock() int64 { return z.file.FirstBlock() }

// Position returns the place after the last block that was read.
func (z *Reader) Position() Position { return position(z.file.Position(), z.pages.continuity) }

// Continue goes on with another source, whose first byte is the one at
// Position().Offset of the same file. The order is still checked.
func (z *Reader) Continue(src io.Reader) { z.file.Continue(src) }

// Jump goes on with a source that begins at offset of the same file, which may be
// inside a block but not before FirstBlock: the first block that opens sets the
// order. Block 0 has to have been read before, because it alone proves that the
// key belongs to the file.
func (z *Reader) Jump(src io.Reader, offset int64) {
	z.file.Jump(src, offset)
	z.jumped, z.ended = true, false
	switch {
	case z.verifier == nil:
	case offset == z.FirstBlock():
		z.verifier.begin(z.file.RawHead())
	default:
		z.verifier.jump()
	}
}

// Checkpoint returns the last one that was proven, and whether there is one since the
// beginning of the file or the last jump. What was read behind it may still turn out
// not to be what the station wrote, within seven seconds of sound.
func (z *Reader) Checkpoint() (c Checkpoint, ok bool) {
	if z.verifier == nil || z.verifier.last == nil {
		return Checkpoint{}, false
	}
	return *z.verifier.last, true
}

// IsCovered reports whether the next checkpoint will prove what is read from here on: one was proven
// since the beginning or the last jump, or it is not known who signs the file.
func (z *Reader) IsCovered() bool { return z.verifier == nil || z.verifier.last != nil }

// Clock returns the checkpoint from which the time can be counted at which the block read last was
// captured. Behind a sign of life there is none until the next checkpoint, because nobody says how
// long the pause was: FORMAT.md, "What time it is".
func (z *Reader) Clock() (c Checkpoint, ok bool) {
	c, ok = z.Checkpoint()
	return c, ok && !z.verifier.paused
}

// ReadBlock returns the next block behind block 0, which it reads first if need be.
// After the last block it returns io.EOF. Its other errors are a *BlockError, or
// the error of the source.
//
// After a jump the first block that it returns has packets: signs of life do not
// say what time it is, so they are skipped.
func (z *Reader) ReadBlock() (Block, error) {
	if _, err := z.Head(); err != nil {
		return Block{}, err
	}
	if z.ended {
		return Block{}, io.EOF
	}
	for {
		raw, err := z.file.Next()
		if err != nil {
			return Block{}, err
		}
		block, err := z.parse(raw)
		if err != nil {
			return Block{}, z.file.Reject(err)
		}
		if !z.jumped || !block.isSign() {
			z.jumped, z.ended = false, block.Last
			return block, nil
		}
		z.file.Resync()
	}
}

// parse returns what a block holds.
func (z *Reader) parse(raw blocks.Block) (Block, error) {
	before := z.pages.continuity
	said, err := z.pages.parse(z.packets[:0], raw.Payload, !z.jumped)
	if err != nil {
		return Block{}, err
	}
	z.payload, z.packets = raw.Payload, said.packets
	block := Block{
		Sequence: raw.Sequence, Offset: raw.Offset, Size: raw.Size,
		Start: said.start, End: z.pages.granule, Packets: said.packets, Last: said.last, Raw: raw.Raw,
	}
	block.extra = growthOf(block.Packets)
	if z.verifier != nil {
		err = z.verifier.check(raw, &block)
	}
	if err != nil {
		z.pages.continuity = before
		return Block{}, err
	}
	return block, nil
}

// WriteOgg writes what the blocks hold that r reads: an ordinary Ogg Opus stream.
// r must be at the beginning of its file. Every block is checked before it is
// written. Of a file without its end, all that there is is written, and the error
// is ErrCutOff.
func WriteOgg(w io.Writer, r *Reader) error {
	if _, err := r.Head(); err != nil {
		return err
	}
	pages, err := r.file.Head()
	for err == nil {
		if _, err := w.Write(pages); err != nil {
			return err
		}
		_, err = r.ReadBlock()
		pages = r.payload
	}
	if err == io.EOF {
		return nil
	}
	return err
}
