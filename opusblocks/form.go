package opusblocks

import "broadcastbot/opusblocks/blocks"

// Form is how the pages of a show stand in a file: see [Sealed] and [Plain]. It
// begins, continues and reads such files.
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
