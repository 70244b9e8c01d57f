package opusblocks

import (
	"io"

	"broadcastbot/opusblocks/blocks"
)

// Form is how the pages of a show stand in a file: see [Sealed] and [Plain].
type Form struct {
	blocks func() blocks.Form // each writer and each reader has one
	// headPages returns the two header pages, which are the payload of block 0.
	headPages func(head Head, serial uint32) ([]byte, error)
	// pageBlocks means that every page is a block, and that a sign of life is a page
	// without packets. Otherwise a block holds any number of pages, and a sign of
	// life none.
	pageBlocks bool
}

// Sealed is the form of the encrypted file that has this key.
func Sealed(key Key) Form {
	return Form{
		blocks:    func() blocks.Form { return blocks.NewSealed(key, headLayout) },
		headPages: Head.committedPages,
	}
}

// NewWriter begins a file: it writes block 0, and before it what the file begins
// with.
func (f Form) NewWriter(w io.Writer, head Head) (*Writer, error) { return newWriter(w, f, head) }

// ResumeWriter continues a file at the position of a Reader that has read all whole
// blocks of it. The caller cuts the file there. It must be certain that nobody has
// seen bytes beyond that position: their sequence numbers will be used again.
func (f Form) ResumeWriter(w io.Writer, at Position) *Writer { return resumeWriter(w, f, at) }

// NewReader reads a file from its first byte.
func (f Form) NewReader(r io.Reader) *Reader {
	return &Reader{file: blocks.NewReader(r, f.blocks()), pages: pageReader{pageBlocks: f.pageBlocks}}
}

// NewWriter begins a sealed file.
func NewWriter(w io.Writer, key Key, head Head) (*Writer, error) {
	return Sealed(key).NewWriter(w, head)
}

// ResumeWriter continues a sealed file: see [Form.ResumeWriter].
func ResumeWriter(w io.Writer, key Key, at Position) *Writer {
	return Sealed(key).ResumeWriter(w, at)
}

// NewReader reads a sealed file from its first byte.
func NewReader(r io.Reader, key Key) *Reader { return Sealed(key).NewReader(r) }
