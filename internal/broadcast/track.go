package broadcast

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"

	"broadcastbot/capture"
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
	store.Track        // as it was when the file was opened
	path        string // of the spool

	spool   *livefile.File     // nil: nothing of the file can be read
	writer  *opusblocks.Writer // nil: nothing more may be written
	preSkip int                // samples
	outlets []*outlet          // the first one is the gateway, from which listeners get the file
	recap   *recapReader       // nil: nobody reads the file back now

	mu  sync.Mutex
	end opusblocks.Position // behind the last block on the spool
}

// createTrack begins the growing file at path: block 0 is on it.
func createTrack(t store.Track, path string, head opusblocks.Head) (*track, error) {
	spool, err := livefile.Create(path)
	if err != nil {
		return nil, err
	}
	spool.SyncWrites = true
	created := &track{Track: t, path: path, spool: spool, preSkip: head.PreSkip}
	created.writer, err = t.Form().NewWriter(spool, head)
	if created.note(err) != nil {
		created.remove()
		return nil, err
	}
	return created, nil
}

// headOf is what block 0 of a show's track says.
func headOf(show *store.Show, format capture.Format) opusblocks.Head {
	return opusblocks.Head{
		Channels: format.Channels, PreSkip: format.PreSkip,
		Title: show.Title, Speaker: show.Speaker, Started: show.StartedAt,
	}
}

// write makes a block of the packets, or a sign of life where there are none.
func (t *track) write(packets [][]byte) error {
	if len(packets) == 0 {
		return t.note(t.writer.KeepAlive())
	}
	return t.note(t.writer.WriteBlock(packets))
}

// finish makes the last block. The last endTrim samples of the packets are not
// sound.
func (t *track) finish(packets [][]byte, endTrim int) error {
	return t.note(t.writer.Finish(packets, endTrim))
}

// note keeps the place behind a block that was written without an error.
func (t *track) note(err error) error {
	if err == nil {
		t.setEnd(t.writer.Position())
	}
	return err
}

func (t *track) setEnd(end opusblocks.Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = end
}

// extent is what can be told of the file without reading it back.
func (t *track) extent() store.Recap {
	t.mu.Lock()
	defer t.mu.Unlock()
	return store.Recap{Duration: soundDuration(t.end, t.preSkip), Size: t.end.Offset, Blocks: int64(t.end.Sequence)}
}

// addOutlet adds a place that the file is sent to; follow begins to.
func (t *track) addOutlet(upload uploader.Upload, log *slog.Logger) {
	t.outlets = append(t.outlets, newOutlet(t.spool, upload, log.With("track", t.ID)))
}

// gateway is the outlet from which listeners get the file.
func (t *track) gateway() *outlet { return t.outlets[0] }

// send has the outlets follow the spool until it is finished and they have all
// of it. One that is refused for good tells onRefusal.
func (t *track) send(ctx context.Context, onRefusal func(*outlet)) {
	for _, o := range t.outlets {
		go o.run(ctx, onRefusal)
	}
}

// readBack has the spool read back while it grows, so that its recap is known as
// soon as it is finished.
func (t *track) readBack(ctx context.Context) {
	t.recap = &recapReader{done: make(chan struct{})}
	go t.recap.run(ctx, t.spool, &t.Track)
}

// readRecap returns the recap of a finished spool. Where reading it back while
// it grew did not work, it is read once more, each time.
func (t *track) readRecap(ctx context.Context) (store.Recap, error) {
	if t.spool == nil {
		return store.Recap{}, retry.Permanent(errUnreadable)
	}
	if t.recap == nil {
		t.readBack(ctx)
	}
	recap := t.recap
	t.recap = nil
	select {
	case <-recap.done:
		return recap.recap, recap.err
	case <-ctx.Done():
		return store.Recap{}, context.Cause(ctx)
	}
}

// remove removes a spool that nobody needs.
func (t *track) remove() error {
	t.close()
	return os.Remove(t.path)
}

func (t *track) close() {
	if t.spool != nil {
		t.spool.Close()
	}
}

func closeTracks(tracks []*track) {
	for _, t := range tracks {
		t.close()
	}
}

// finishSpools tells those who follow the spools that this is all.
func finishSpools(tracks []*track) (err error) {
	for _, t := range tracks {
		if t.spool != nil {
			err = errors.Join(err, t.spool.Finish())
		}
	}
	return err
}
