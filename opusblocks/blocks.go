package opusblocks

import "broadcastbot/opusblocks/blocks"

// What a caller of this package needs of the layer below has a name here too.
type (
	// Key is what a listener must know to open a sealed file.
	Key = blocks.Key
	// File is the "file" object of a Matrix event (EncryptedFile, MSC4016).
	File = blocks.File
	// BlockError says which block was refused, where, and why. It wraps one of
	// the errors below.
	BlockError = blocks.BlockError
)

// What a reader refuses, and what a writer has run out of: see package blocks.
var (
	ErrNotBlocks = blocks.ErrNotBlocks
	ErrWrongKey  = blocks.ErrWrongKey
	ErrForged    = blocks.ErrForged
	ErrOrder     = blocks.ErrOrder
	ErrMalformed = blocks.ErrMalformed
	ErrCutOff    = blocks.ErrCutOff
	ErrFull      = blocks.ErrFull
	ErrFinished  = blocks.ErrFinished
)

// NewKey returns a fresh random key.
func NewKey() Key { return blocks.NewKey() }

// ParseFragment is the inverse of Key.Fragment.
func ParseFragment(fragment string) (Key, error) { return blocks.ParseFragment(fragment) }
