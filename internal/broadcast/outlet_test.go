package broadcast

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"broadcastbot/internal/retry"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
)

// archive is a place for a copy that takes its time.
type archive struct {
	size     atomic.Int64
	open     chan struct{} // Append waits until it is closed
	refuses  error         // what Append returns
	finished atomic.Int64  // with so many bytes
}

func (a *archive) ID() string                            { return "archive" }
func (a *archive) Delete(context.Context) error          { return nil }
func (a *archive) Offset(context.Context) (int64, error) { return a.size.Load(), nil }

func (a *archive) Append(ctx context.Context, _ int64, r io.Reader) error {
	if a.refuses != nil {
		return a.refuses
	}
	select {
	case <-a.open:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	n, err := io.Copy(io.Discard, r)
	a.size.Add(n)
	return err
}

func (a *archive) Finish(_ context.Context, size int64) error {
	a.finished.Store(size)
	return nil
}

// TestOneOutletRefuses: the other one still gets all of the file, and is waited
// for, before the track is closed.
func TestOneOutletRefuses(t *testing.T) {
	t1 := &store.Track{ID: "AAAAAAAAAAAAAAAAAAAAAA", Key: opusblocks.NewKey()}
	file, err := createTrack(t1, filepath.Join(t.TempDir(), "spool"), opusblocks.Head{Channels: 1, PreSkip: 312})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	full := &archive{refuses: retry.Permanent(errors.New("full"))}
	slow := &archive{open: make(chan struct{})}
	file.addOutlet(full, log)
	file.addOutlet(slow, log)
	refused := make(chan *outlet, 2)
	file.send(t.Context(), func(o *outlet) { refused <- o })
	if err := file.finish(nil, 0, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := file.spool.Finish(); err != nil {
		t.Fatal(err)
	}
	if o := <-refused; o != file.gateway() {
		t.Error("the wrong outlet was refused")
	}
	c := &conclusion{tracks: []*track{file}, entry: &entry{show: store.Show{Tracks: []store.Track{*t1}}}}
	copies := make(chan error)
	go func() { copies <- c.awaitCopies(t.Context()) }()
	close(slow.open)
	if err := <-copies; !retry.IsPermanent(err) {
		t.Errorf("the copies: %v, want what one outlet has refused", err)
	}
	if size := file.spool.Size(); slow.size.Load() != size || slow.finished.Load() != size {
		t.Errorf("the other outlet has %d bytes and was finished with %d, want %d", slow.size.Load(), slow.finished.Load(), size)
	}
	file.close()
}
