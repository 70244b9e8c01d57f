package opusblocks

import (
	"io"

	"broadcastbot/opusblocks/blocks"
)

// form is how the pages of a show stand in a file. There are two: sealed, which is
// below, and plain (plain.go).
type form struct {
	blocks.Form
	// headPages returns the two header pages, which are the payload of block 0.
	headPages func(head Head, serial uint32) ([]byte, error)
	// pageBlocks means that every page is a block, and that a sign of life is a page
	// without packets. Otherwise a block holds any number of pages, and a sign of
	// life none.
	pageBlocks bool
}

// sealed is the form of encrypted files.
func sealed(key Key) form {
	return form{Form: blocks.NewSealed(key, headLayout), headPages: Head.committedPages}
}

// NewWriter begins a sealed file: it writes the magic bytes and block 0.
func NewWriter(w io.Writer, key Key, head Head) (*Writer, error) {
	return beginWriter(w, sealed(key), head)
}

// ResumeWriter continues a sealed file at the position of a Reader that has read
// all whole blocks of it. The caller cuts the file there. It must be certain that
// nobody has seen bytes beyond that position: their sequence numbers will be used
// again.
func ResumeWriter(w io.Writer, key Key, at Position) *Writer {
	return newWriter(w, sealed(key), at)
}

// NewReader reads a sealed file from its first byte.
func NewReader(r io.Reader, key Key) *Reader { return newReader(r, sealed(key)) }
