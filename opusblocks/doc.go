// Package opusblocks puts Opus packets into encrypted blocks and takes them out
// again, in order or from the middle of a file that may still be growing. For
// rooms without encryption it writes and reads plain files in the same way.
//
// It is the upper one of two layers. This one knows Ogg Opus: which pages a block
// holds, what time it is, where the show ends. Package blocks, below it, knows
// numbered blocks of any bytes: how they are sealed, opened and found.
//
// The format is MSC4016 v3 as its one implementation writes it, with whole Ogg
// pages inside, so that the decrypted file is an ordinary .opus file. FORMAT.md
// beside this file specifies every byte of both layers.
//
// A key proves that a block was made by somebody who has it, and all listeners do.
// That the station made it, and when, is proven by checkpoints: see [Form.Signing] and
// [Form.SignedBy].
//
// The package does no I/O of its own: a [Writer] makes exactly one Write per
// block, a [Reader] reads an io.Reader, a [Seeker] asks its caller for one. It
// has no goroutine, and no clock but the one that Signing is given.
package opusblocks
