// Package opusblocks seals Opus packets into encrypted blocks and opens them
// again, in order or from the middle of a file that may still be growing. For
// rooms without encryption it writes and reads plain files in the same way.
//
// The format is MSC4016 v3 as its one implementation writes it, with whole Ogg
// pages inside, so that the decrypted file is an ordinary .opus file.
// FORMAT.md beside this file specifies every byte; its sections are the names
// of the files here.
//
// The package does no I/O of its own: a [Writer] makes exactly one Write per
// block, a [Reader] reads an io.Reader, a [Seeker] asks its caller for one.
// It has no clock and no goroutine.
package opusblocks
