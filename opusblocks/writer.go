package opusblocks

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"

	"broadcastbot/opusblocks/blocks"
)

// Writer makes blocks of packets: sealed ones, or those of a plain file. Each
// call that adds a block makes exactly one Write of the whole block.
//
// After an error of the underlying Write nothing more can be written: somebody may
// have seen a part of the block, so its sequence number must not be used again.
type Writer struct {
	file  *blocks.Writer
	pages pageWriter
}

// NewWriter begins a file: it writes block 0, and before it what the file begins
// with.
func (f Form) NewWriter(w io.Writer, head Head) (*Writer, error) {
	var random [4]byte
	rand.Read(random[:])
	serial := binary.LittleEndian.Uint32(random[:])
	pages, err := f.headPages(head, serial)
	if err != nil {
		return nil, err
	}
	file, err := blocks.NewWriter(w, f.encoder(newChain()), pages)
	if err != nil {
		return nil, err
	}
	return &Writer{file: file, pages: newPageWriter(f, continuity{serial: serial, page: firstPage})}, nil
}

var errNotFromBeginning = errors.New("a signed file can be continued only where all of it was read")

// ResumeWriter continues a file behind the last block that r has read. r must have
// read the file from its beginning, in this form, and the caller cuts the file at
// r.Position(). A sealed file goes on in a fresh epoch, so it does not matter whether
// somebody has seen bytes that stood behind that position. It returns ErrFinished
// where r has come to the end.
func (f Form) ResumeWriter(w io.Writer, r *Reader) (*Writer, error) {
	if r.ended {
		return nil, ErrFinished
	}
	var c chain
	if f.signing != nil {
		if r.verifier == nil || !r.verifier.linked {
			return nil, errNotFromBeginning
		}
		c = r.verifier.chain.clone()
	}
	return &Writer{
		file:  blocks.ResumeWriter(w, f.encoder(c), r.file.Position()),
		pages: newPageWriter(f, r.pages.continuity),
	}, nil
}

func newPageWriter(f Form, c continuity) pageWriter {
	return pageWriter{continuity: c, pageBlocks: f.pageBlocks, signed: f.signing != nil}
}

// Position returns the place after the last block.
func (z *Writer) Position() Position { return position(z.file.Position(), z.pages.continuity) }

// WriteBlock adds a block of packets, at least one. It returns ErrFull when only
// one sequence number is left, which Finish needs. It does not keep the packets and
// does not allocate.
func (z *Writer) WriteBlock(packets [][]byte) error { return z.write(packets, false, 0) }

// KeepAlive adds a block without packets: a sign of life while there is no sound.
func (z *Writer) KeepAlive() error { return z.write(nil, false, 0) }

// Finish adds the last block, which says that it is the last. It may have packets.
// endTrim is how many samples at their end are not to be heard.
func (z *Writer) Finish(packets [][]byte, endTrim int) error { return z.write(packets, true, endTrim) }

// write adds a block; in a plain file it adds one for each page that the packets
// need. A packet that cannot be written leaves the file as it was.
func (z *Writer) write(packets [][]byte, last bool, endTrim int) error {
	if err := z.file.Err(); err != nil {
		return err
	}
	before := z.pages.continuity
	if err := z.pages.layOut(packets, last, endTrim); err != nil {
		return err
	}
	add := z.file.Write
	if last {
		add = z.file.Finish
	}
	if err := add(z.pages.payloads...); err != nil {
		z.pages.continuity = before
		return err
	}
	return nil
}
