package opusblocks

import (
	"io"

	"broadcastbot/opusblocks/blocks"
)

// form is one of the two ways for the pages of a show to stand in a file: sealed
// (below) and plain (plain.go).
type form struct {
	blocks.Form
	// headPages returns the two header pages, which are the payload of block 0.
	headPages func(head Head, serial uint32) ([]byte, error)
	// pageBlocks says that every page is a block, and a sign of life a page without
	// packets. Otherwise a block holds any number of pages, and a sign of life none.
	pageBlocks bool
}

func sealed(key Key) form {
	return form{Form: blocks.NewSealed(key, headLayout), headPages: Head.committedPages}
}

// NewWriter begins a sealed file: it writes the magic bytes and block 0.
func NewWriter(w io.Writer, key Key, head Head) (*Writer, error) {
	return beginWriter(w, sealed(key), head)
}

// ResumeWriter continues a sealed file at the position of a Reader that has read
// all whole blocks of it. The caller cuts the file there; whoever has seen bytes
// beyond that position must never see others with these sequence numbers.
func ResumeWriter(w io.Writer, key Key, at Position) *Writer {
	return newWriter(w, sealed(key), at)
}

// NewReader reads a sealed file from its first byte.
func NewReader(r io.Reader, key Key) *Reader { return newReader(r, sealed(key)) }
