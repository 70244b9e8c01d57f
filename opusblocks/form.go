package opusblocks

import (
	"crypto/ed25519"
	"time"

	"broadcastbot/opusblocks/blocks"
)

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

	signer  ed25519.PublicKey  // nil: checkpoints are not looked at
	signing ed25519.PrivateKey // nil: no checkpoints are written
	now     func() time.Time   // of the checkpoints
}

// Sealed is the form of the encrypted file that has this key.
func Sealed(key Key) Form {
	return Form{
		blocks:    func() blocks.Form { return blocks.NewSealed(key, headLayout) },
		headPages: Head.committedPages,
	}
}

// SignedBy is the form of a file whose checkpoints this key (32 bytes) signs: a reader
// refuses what it has not signed, with ErrCheckpoint. Nil, as before, means that
// nobody signs it, and nothing is proven beyond what its key proves.
func (f Form) SignedBy(signer ed25519.PublicKey) Form {
	f.signer = signer
	return f
}

// Signing is the form of a file in which a writer puts checkpoints. The key must sign
// no other file. now is the clock that they tell. A reader checks them.
func (f Form) Signing(key ed25519.PrivateKey, now func() time.Time) Form {
	f.signing, f.now = key, now
	return f.SignedBy(key.Public().(ed25519.PublicKey))
}

// encoder returns the form for a writer, where chain is that of what was written.
func (f Form) encoder(c chain) blocks.Encoder {
	if f.signing == nil {
		return f.blocks()
	}
	return &signingForm{Form: f.blocks(), key: f.signing, now: f.now, chain: c}
}
