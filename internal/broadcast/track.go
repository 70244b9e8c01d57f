package broadcast

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"broadcastbot/internal/livefile"
	"broadcastbot/internal/retry"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

// track is one growing file of a show: the writer that makes blocks of packets,
// the spool that they are made durable on, and the outlets that follow it.
//
//	packets ─► writer ─blocks─► spool ─bytes─┬─► outlets
//	                                         └─► recap
type track struct {
	id      string
	form    opusblocks.Form
	path    string             // of the spool
	spool   *livefile.File     // nil where nothing of the file can be read: see isReadable
	writer  *opusblocks.Writer // nil where nothing more may be written
	clock   captureClock       // of the writer's checkpoints
	preSkip int                // samples

	outlets   []*outlet      // the first one is the gateway, from which listeners get the file
	recap     *recapReader   // nil while nobody reads the file back
	followers sync.WaitGroup // of the spool

	mu  sync.Mutex
	end opusblocks.Position // behind the last block on the spool
}

// createTrack begins the growing file at path: block 0 is on it.
func createTrack(t *store.Track, path string, head opusblocks.Head) (*track, error) {
	spool, err := livefile.Create(path)
	if err != nil {
		return nil, err
	}
	spool.SyncWrites = true
	created := newTrack(t, path)
	created.spool, created.preSkip, created.clock.earliest = spool, head.PreSkip, time.Now()
	created.writer, err = created.form.NewWriter(spool, head)
	if created.note(err) != nil {
		created.remove()
		return nil, err
	}
	return created, nil
}

// newTrack returns a track without a spool, as one is of whose file nothing can be read.
func newTrack(recorded *store.Track, path string) *track {
	t := &track{id: recorded.ID, path: path}
	t.form = recorded.WritingForm(t.clock.now)
	return t
}

// isReadable reports whether there is a file. Where there is none, there are no
// outlets either.
func (t *track) isReadable() bool { return t.spool != nil }

// write makes a block of the packets, which were captured until then, or a sign of life where there
// are none.
func (t *track) write(packets [][]byte, captured time.Time) error {
	t.clock.note(packets, captured)
	if len(packets) == 0 {
		return t.note(t.writer.KeepAlive())
	}
	return t.note(t.writer.WriteBlock(packets))
}

// finish makes the last block. The last endTrim samples of the packets are not
// sound.
func (t *track) finish(packets [][]byte, endTrim int, captured time.Time) error {
	t.clock.note(packets, captured)
	return t.note(t.writer.Finish(packets, endTrim))
}

// note keeps the place behind a block that was written without an error.
func (t *track) note(err error) error {
	if err == nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.end = t.writer.Position()
	}
	return err
}

// position is the place behind the last block on the spool.
func (t *track) position() opusblocks.Position {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.end
}

// extent is how much is on the spool.
func (t *track) extent() store.Extent { return extentOf(t.position(), t.preSkip) }

// addOutlet adds a place that the file is sent to; send starts it.
func (t *track) addOutlet(upload uploader.Upload, log *slog.Logger) {
	t.outlets = append(t.outlets, newOutlet(t.spool, upload, log.With("track", t.id)))
}

// gateway is the outlet from which listeners get the file.
func (t *track) gateway() *outlet { return t.outlets[0] }

// send has the outlets follow the spool until it is finished and they have all
// of it. One that is refused for good tells onRefusal.
func (t *track) send(ctx context.Context, onRefusal func(*outlet)) {
	for _, o := range t.outlets {
		t.followers.Go(func() { o.run(ctx, onRefusal) })
	}
}

// readBack starts a reader that follows the spool, so that the recap is known as
// soon as the spool is finished.
func (t *track) readBack(ctx context.Context) {
	reader := &recapReader{done: make(chan struct{})}
	t.recap = reader
	t.followers.Go(func() { reader.run(ctx, t.spool, t.form) })
}

// readRecap returns the recap of a finished spool. Where reading it back while
// it grew did not work, it is read once more, each time.
func (t *track) readRecap(ctx context.Context) (store.Recap, error) {
	if !t.isReadable() {
		return store.Recap{}, retry.Permanent(errUnreadable)
	}
	if t.recap == nil {
		t.readBack(ctx)
	}
	reader := t.recap
	t.recap = nil
	select {
	case <-reader.done:
		return reader.recap, reader.err
	case <-ctx.Done():
		return store.Recap{}, context.Cause(ctx)
	}
}

// close ends all who follow the spool and returns when they have ended.
func (t *track) close() {
	if t.isReadable() {
		t.spool.Close()
	}
	t.followers.Wait()
}

// remove closes the track and removes its spool.
func (t *track) remove() error {
	t.close()
	return os.Remove(t.path)
}

func closeTracks(tracks []*track) {
	for _, t := range tracks {
		t.close()
	}
}

// finishSpools tells those who follow the spools that this is all.
func finishSpools(tracks []*track) (err error) {
	for _, t := range tracks {
		if t.isReadable() {
			err = errors.Join(err, t.spool.Finish())
		}
	}
	return err
}
