package recordings

import "io"

// Storage is a place where recordings are kept.
//
// [Disk] is one. Another can wrap it, to keep finished recordings elsewhere as well: it passes on
// what concerns growing ones, and adds its own part to Finish, Open and Remove. Every Storage must
// pass testStorage.
//
// The catalogue makes all ids. It calls methods for different recordings at the same time, and for
// the same recording one after the other; only Open may be called at any time.
type Storage interface {
	// Resume completes what a crash has left half done, and returns the recordings that are to grow
	// on. It is called once, before any other method.
	Resume() ([]Unfinished, error)

	// Create starts an empty growing recording. A length that is known is durable before the
	// recording exists, so that no crash leaves an upload that has forgotten it.
	Create(id string, length int64) (Growing, error)

	// SetLength makes the length durable that a growing recording will have.
	SetLength(id string, length int64) error

	// Finish makes a growing recording a finished one, whose bytes its [Growing] has made durable.
	// It may be called again, after an error and after success. The Growing can still be read.
	Finish(id string) error

	// Open returns a finished recording. Its error is ErrNotFound for a recording that is growing
	// or never was, and ErrRemoved for one that was removed.
	Open(id string) (Content, error)

	// Remove deletes a recording, growing or finished. When it has returned without an error, the
	// removal is durable; a crash before that leaves the recording as it was, or a removal that
	// Resume completes. Remove may be called again.
	Remove(id string) error
}

// Content is the bytes of one recording, as its readers see them. Close is called with the
// catalogue locked, so it must not wait for anything far away.
type Content interface {
	io.ReaderAt
	io.Closer
	Size() int64              // bytes that can be read
	Finished() bool           // Size will not change any more
	Changed() <-chan struct{} // closed at the next change of the two; to be taken before looking at them
}

// Growing is the content of a recording that an uploader appends to: a [livefile.File], say.
type Growing interface {
	Content
	io.Writer      // appends: all of p, or nothing and an error
	Finish() error // makes all bytes durable and lets no more be appended
}

// Unfinished is a growing recording that a restart has interrupted.
type Unfinished struct {
	ID      string
	Length  int64 // bytes it will have, or UnknownLength
	Content Growing
}
