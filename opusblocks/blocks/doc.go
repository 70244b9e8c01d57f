// Package blocks writes and reads files of numbered blocks that hold any bytes.
// A file grows at its end, and a reader may begin at its first byte or, once it
// has read block 0, anywhere.
//
// How blocks stand in a file is a [Form]. [Sealed] encrypts them as MSC4016 v3
// does, and goes on in another [Epoch] after a restart; package opusblocks has one for files that are not encrypted. What the
// bytes of a block mean, how the file begins and which block is its last, is the
// caller's: package opusblocks puts Ogg Opus into them. FORMAT.md of that package
// specifies every byte.
//
// The package does no I/O of its own: a [Writer] makes exactly one Write per
// call, a [Reader] reads an io.Reader, a [Seeker] asks its caller for one. It has
// no clock and no goroutine.
package blocks
