package gateway

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"io"
	"os"
	"sync/atomic"

	"broadcastbot/internal/livefile"
)

// recording is the gateway's copy of one broadcast.
type recording struct {
	media                  // what listeners read
	upload *livefile.File  // what the uploader appends to; nil when it was finished before it was opened
	length atomic.Int64    // bytes it will have, or unknownLength
	id     string          // 22 characters that nobody can guess
	ctx    context.Context // ends with the recording's life here; the cause is the refusal to give
	end    context.CancelCauseFunc
	seat   seat     // who may append
	crowd  audience // who follows the growing file

	// The shelf's lock guards these.
	holders int  // requests, listeners and the shelf itself
	shelved bool // the shelf is one of the holders
}

const unknownLength = -1

// media is a file that listeners read: one that grows or one that is finished.
type media interface {
	io.ReaderAt
	io.Closer
	Size() int64              // bytes that can be read
	Finished() bool           // Size will not change any more
	Changed() <-chan struct{} // closed at the next change; to be taken before looking at Size
}

var (
	_ media = (*livefile.File)(nil)
	_ media = finishedFile{}
)

// finishedFile is a recording that was finished before it was opened.
type finishedFile struct {
	*os.File
	size int64
}

func (f finishedFile) Size() int64              { return f.size }
func (f finishedFile) Finished() bool           { return true }
func (f finishedFile) Changed() <-chan struct{} { return nil }

func newRecording(id string, m media, length int64) *recording {
	rec := &recording{id: id, media: m}
	rec.upload, _ = m.(*livefile.File)
	rec.length.Store(length)
	rec.ctx, rec.end = context.WithCancelCause(context.Background())
	return rec
}

// extent returns the bytes that can be read and whether they are all there
// will be. Size is asked last: a finished file's size is final, while an
// unfinished one's may be newer than the other answer, which does no harm.
func (rec *recording) extent() (size int64, finished bool) {
	finished = rec.Finished()
	return rec.Size(), finished
}

// newID returns 128 random bits in 22 characters.
func newID() string {
	var bits [16]byte
	rand.Read(bits[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(bits[:])
}

// validID reports whether id is one that newID can return: it is a part of
// file names.
func validID(id string) bool {
	bits, err := base64.RawURLEncoding.Strict().DecodeString(id)
	return err == nil && len(id) == 22 && len(bits) == 16
}
