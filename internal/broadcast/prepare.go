package broadcast

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/livefile"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

// prepare opens all that a show needs and announces it: source, upload, spool
// with block 0, announcement. After an error nothing of it is left behind.
func (m *Manager) prepare(ctx context.Context, r Request) (_ *Session, err error) {
	var undo undoList
	defer func() {
		if err != nil {
			undo.run()
		}
	}()

	if r.Source == "" {
		r.Source = m.DefaultSource
	}
	source, err := m.OpenSource(context.WithoutCancel(ctx), r.Source)
	if err != nil {
		return nil, fmt.Errorf("the source can not be opened: %w", err)
	}
	undo.add(func() { source.Close() })

	upload, err := m.Gateway.Create(ctx)
	if err != nil {
		return nil, fmt.Errorf("the gateway can not take the show: %w", err)
	}
	undo.add(func() { m.deleteUpload(ctx, upload) })

	b := m.newRecord(r, source.Format(), upload.ID())
	spool, blocks, err := createSpool(b, source.Format())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errStorage, err)
	}
	undo.add(func() { removeSpool(spool, b.Spool) })

	// The record comes before the announcement: a crash between the two is
	// repaired, where an announcement without a record would stand for ever.
	if err := m.Store.SaveBroadcast(ctx, b); err != nil {
		return nil, err
	}
	undo.add(func() { m.forget(ctx, b.ID) })
	if err := m.Announcer.Announce(ctx, b); err != nil {
		return nil, fmt.Errorf("the show can not be announced: %w", err)
	}
	if err := m.Store.SaveBroadcast(ctx, b); err != nil {
		m.Log.Warn("the announcement's id was not saved", "broadcast", b.ID, "err", err) // resume asks for it again
	}
	return m.newSession(b, source, spool, blocks), nil
}

// undoList takes back the steps of a preparation, the last one first.
type undoList []func()

func (u *undoList) add(step func()) { *u = append(*u, step) }

func (u undoList) run() {
	for i := len(u) - 1; i >= 0; i-- {
		u[i]()
	}
}

// newRecord is the show's entry in the store, with a fresh key unless it goes
// without one.
func (m *Manager) newRecord(r Request, format capture.Format, id string) *store.Broadcast {
	b := &store.Broadcast{
		ID: id, Room: r.Room, Speaker: r.Speaker, Title: r.Title, Source: r.Source,
		State: store.Live, StartedAt: time.Now(), Plain: r.Plain,
		Channels: format.Channels, Bitrate: format.Bitrate, BlockDuration: m.BlockDuration,
		Spool: m.spoolPath(id), Gateway: m.PublicURL,
	}
	if !b.Plain {
		b.Key = opusblocks.NewKey()
	}
	return b
}

// createSpool begins the growing file: block 0 is on it.
func createSpool(b *store.Broadcast, format capture.Format) (*livefile.File, *opusblocks.Writer, error) {
	spool, err := livefile.Create(b.Spool)
	if err != nil {
		return nil, nil, err
	}
	spool.SyncWrites = true
	blocks, err := beginBlocks(spool, b, opusblocks.Head{
		Channels: format.Channels, PreSkip: format.PreSkip,
		Title: b.Title, Speaker: b.Speaker, Started: b.StartedAt,
	})
	if err != nil {
		removeSpool(spool, b.Spool)
		return nil, nil, err
	}
	return spool, blocks, nil
}

func beginBlocks(spool io.Writer, b *store.Broadcast, head opusblocks.Head) (*opusblocks.Writer, error) {
	if b.Plain {
		return opusblocks.NewPlainWriter(spool, head)
	}
	return opusblocks.NewWriter(spool, b.Key, head)
}

// continueBlocks is beginBlocks for a spool that a crash has broken off.
func continueBlocks(spool io.Writer, b *store.Broadcast, at opusblocks.Position) *opusblocks.Writer {
	if b.Plain {
		return opusblocks.ResumePlainWriter(spool, at)
	}
	return opusblocks.ResumeWriter(spool, b.Key, at)
}

func removeSpool(spool *livefile.File, path string) {
	spool.Close()
	os.Remove(path) // one that stays is only a wasted kilobyte
}

// forget takes back the record of a show that never was.
func (m *Manager) forget(ctx context.Context, id string) {
	if err := m.Store.DeleteBroadcast(context.WithoutCancel(ctx), id); err != nil {
		m.Log.Warn("the record of a failed start stays, the next start will clean up", "broadcast", id, "err", err)
	}
}

// deleteUpload takes back an upload that nobody has been told of.
func (m *Manager) deleteUpload(ctx context.Context, upload *uploader.Upload) {
	if err := upload.Delete(context.WithoutCancel(ctx)); err != nil {
		m.Log.Warn("an empty recording stays at the gateway", "err", err)
	}
}

func (m *Manager) newSession(b *store.Broadcast, source capture.Source, spool *livefile.File, blocks *opusblocks.Writer) *Session {
	log := m.Log.With("broadcast", b.ID, "room", b.Room)
	listening, stop := context.WithCancelCause(context.Background())
	return &Session{
		source: source, blocks: blocks, spool: spool, log: log,
		uploader:  &uploader.Uploader{File: spool, Destination: m.Gateway.Upload(b.ID), Log: log},
		listening: listening, stop: stop,
		recorded: make(chan struct{}), done: make(chan struct{}),
		broadcast: b,
	}
}
