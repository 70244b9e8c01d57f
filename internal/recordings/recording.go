package recordings

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io"
	"sync"
	"sync/atomic"
)

// Recording is the gateway's copy of one track of a show. Whoever gets one from a [Catalogue] holds
// it open until Release.
type Recording struct {
	catalogue *Catalogue
	id        string
	content   Content
	growing   Growing // the same, to append to; nil if it was finished before it was opened
	version   func() string
	length    atomic.Int64    // bytes it will have, or UnknownLength
	ctx       context.Context // ends when readers and appenders must leave
	end       context.CancelCauseFunc
	lock      appendLock

	// The catalogue's lock guards these.
	holders int
	entered bool // the catalogue is one of the holders
}

func newRecording(c *Catalogue, id string, content Content, length int64) *Recording {
	rec := &Recording{catalogue: c, id: id, content: content}
	rec.growing, _ = content.(Growing)
	if version := newID(); rec.growing != nil {
		rec.version = func() string { return version }
	} else {
		rec.version = sync.OnceValue(func() string { return finishedVersion(content) })
	}
	rec.length.Store(length)
	rec.ctx, rec.end = context.WithCancelCause(context.Background())
	return rec
}

// ID returns the recording's name in addresses: 22 characters that nobody can guess.
func (rec *Recording) ID() string { return rec.id }

// Context returns a context that ends when the recording is removed or the catalogue is closed. All
// who hold the recording must release it soon after that. The cause is ErrRemoved or ErrClosed.
func (rec *Recording) Context() context.Context { return rec.ctx }

// Retain adds a holder to a recording that the caller holds.
func (rec *Recording) Retain() {
	rec.catalogue.mu.Lock()
	defer rec.catalogue.mu.Unlock()
	rec.catalogue.hold(rec)
}

// Release gives back what Create, Acquire or Retain gave.
func (rec *Recording) Release() {
	rec.catalogue.mu.Lock()
	defer rec.catalogue.mu.Unlock()
	rec.catalogue.drop(rec)
}

// ReadAt reads bytes that are there; see [io.ReaderAt].
func (rec *Recording) ReadAt(p []byte, offset int64) (int, error) {
	return rec.content.ReadAt(p, offset)
}

// Version names the bytes of the recording: what was read under one version fits together. The version of
// a recording that was finished when it was opened follows from its bytes. A growing one gets a new version
// at each opening: the disk may have been set back to an older copy before, and then other bytes follow.
func (rec *Recording) Version() string { return rec.version() }

// endSize is how many of the last bytes tell two recordings apart: there is at least the seal of the last
// block in them, or what the station has signed.
const endSize = 1024

func finishedVersion(content Content) string {
	size := content.Size()
	end := make([]byte, min(size, endSize))
	if _, err := content.ReadAt(end, size-int64(len(end))); err != nil && err != io.EOF {
		return newID() // of this opening
	}
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(end, uint64(size)))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// Size returns how many bytes can be read.
func (rec *Recording) Size() int64 { return rec.content.Size() }

// Finished reports whether Size will not change any more.
func (rec *Recording) Finished() bool { return rec.content.Finished() }

// Changed returns a channel that is closed at the next change of Size or Finished. Take it before
// looking at them, and no change is missed.
func (rec *Recording) Changed() <-chan struct{} { return rec.content.Changed() }

// Extent returns Size and Finished together: if the recording is finished, this is its final size.
// (Size is asked last. So of a growing recording it may be newer than the other answer, which does
// no harm.)
func (rec *Recording) Extent() (size int64, finished bool) {
	finished = rec.Finished()
	return rec.Size(), finished
}

// Length returns how many bytes the recording will have, or UnknownLength.
func (rec *Recording) Length() int64 { return rec.length.Load() }

// Whole reports whether Size has reached Length. The recording is still unfinished until
// [Appender.Finish].
func (rec *Recording) Whole() bool { return rec.Size() == rec.Length() }

// finish tells the readers and the storage that the recording is whole. The caller has the append
// lock, or is the only one who knows the recording.
func (rec *Recording) finish() error {
	if rec.growing == nil {
		return nil
	}
	if err := rec.growing.Finish(); err != nil {
		return err
	}
	rec.length.Store(rec.Size())
	c := rec.catalogue
	if err := c.storage.Finish(rec.id); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keepOpen(rec)
	return nil
}

// remove deletes the recording and ends its context. The caller has the append lock.
//
// The catalogue has the recording until the storage has removed it, so that nobody opens it again
// meanwhile.
func (rec *Recording) remove() error {
	c := rec.catalogue
	if err := c.storage.Remove(rec.id); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.removals++
	delete(c.open, rec.id)
	rec.end(ErrRemoved)
	c.letGo(rec)
	return nil
}
