package blocks

import (
	"errors"
	"fmt"
)

// What a reader refuses, and what a writer has run out of. FORMAT.md says in
// "Refusals" which bytes lead to which.
var (
	// ErrNotBlocks: the file does not begin with the magic bytes.
	ErrNotBlocks = errors.New("not an encrypted show (MSC4016 v3)")
	// ErrWrongKey: block 0 does not open, or does not commit to the key.
	ErrWrongKey = errors.New("wrong key, or the first block is damaged")
	// ErrForged: a block does not open under its key and sequence number.
	ErrForged = errors.New("block is damaged or forged")
	// ErrOrder: a block is not the successor of the one before it.
	ErrOrder = errors.New("block is out of order")
	// ErrMalformed: a header, or what a block contains, breaks the format.
	ErrMalformed = errors.New("block is malformed")
	// ErrCutOff: the bytes end before the authenticated end.
	ErrCutOff = errors.New("cut off before its end")
	// ErrFull: only Finish may still be called, the sequence numbers are used up.
	ErrFull = errors.New("file is full")
	// ErrFinished: the writer has already written the end.
	ErrFinished = errors.New("file is finished")
)

// BlockError says which block was refused, where, and why. It wraps one of
// the errors above.
type BlockError struct {
	Sequence uint32 // the number the block has, or should have
	Offset   int64  // of its first byte in the file
	Err      error
}

func (e *BlockError) Error() string {
	return fmt.Sprintf("block %d at byte %d: %v", e.Sequence, e.Offset, e.Err)
}

func (e *BlockError) Unwrap() error { return e.Err }
