package broadcast

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"broadcastbot/capture"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

// prepare opens all that a show needs and announces it: source, upload, spool
// with block 0, announcements. After an error nothing of it is left behind.
func prepare(ctx context.Context, o *Options, r Request) (_ *Session, err error) {
	var undo undoList
	defer func() {
		if err != nil {
			undo.run()
		}
	}()

	if r.Source == "" {
		r.Source = o.DefaultSource
	}
	source, err := o.OpenSource(context.WithoutCancel(ctx), r.Source)
	if err != nil {
		return nil, fmt.Errorf("the source cannot be opened: %w", err)
	}
	undo.add(func() { source.Close() })

	upload, err := o.Gateway.Create(ctx)
	if err != nil {
		return nil, fmt.Errorf("the gateway cannot take the show: %w", err)
	}
	undo.add(func() { o.deleteUpload(ctx, upload) })

	show := o.newShow(r, source.Format(), upload.ID())
	t, err := createTrack(*show.Main(), o.spoolPath(upload.ID()), headOf(show, source.Format()))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errStorage, err)
	}
	undo.add(func() { t.remove() })
	t.addOutlet(upload, o.Log)

	// The record comes before the announcement: a crash between the two is
	// repaired, where an announcement without a record would stand for ever.
	e := newEntry(o, show)
	if err := e.update(func(*store.Show) {}); err != nil {
		return nil, err
	}
	undo.add(func() { o.forget(ctx, show.ID) })
	if err := announce(ctx, o, e); err != nil {
		return nil, err
	}
	return newSession(o, e, source, []*track{t}), nil
}

// undoList takes back the steps of a preparation, the last one first.
type undoList []func()

func (u *undoList) add(step func()) { *u = append(*u, step) }

func (u undoList) run() {
	for i := len(u) - 1; i >= 0; i-- {
		u[i]()
	}
}

// newShow is the show's entry in the store, with a fresh key unless it goes
// without one.
func (o *Options) newShow(r Request, format capture.Format, id string) *store.Show {
	t := store.Track{
		ID: id, Gateway: o.PublicURL, Plain: r.Plain,
		Channels: format.Channels, Bitrate: format.Bitrate, BlockDuration: o.BlockDuration,
	}
	if !t.Plain {
		t.Key = opusblocks.NewKey()
	}
	show := &store.Show{
		ID: id, Speaker: r.Speaker, Title: r.Title, Source: r.Source, StartedAt: time.Now(),
		Stage: store.Starting, Tracks: []store.Track{t},
	}
	for _, room := range r.Rooms {
		show.Announcements = append(show.Announcements, store.Announcement{Room: room})
	}
	return show
}

// announce tells every room that does not know it yet that the show begins,
// together with the address at which its file will be. Then the show is live,
// unless no room could be told.
func announce(ctx context.Context, o *Options, e *entry) error {
	show := e.get()
	main := show.Main()
	if main.Address() == "" {
		main.Reserved = o.Media.Reserve(ctx)
	}
	if err := announceInRooms(ctx, o, &show); err != nil {
		o.releaseUnannounced(ctx, main.Reserved)
		return fmt.Errorf("the show cannot be announced: %w", err)
	}
	show.Stage = store.Live
	// Where this is not saved, the next start announces again, which has no
	// second effect.
	e.update(func(s *store.Show) { *s = show })
	return nil
}

// announceInRooms returns an error when no room could be told. A room that could
// not, where others could, is left out.
func announceInRooms(ctx context.Context, o *Options, show *store.Show) error {
	var errs []error
	for i := range show.Announcements {
		a := &show.Announcements[i]
		if a.Event != "" {
			continue
		}
		event, err := o.Announcer.Announce(ctx, show, a.Room)
		if err != nil {
			o.Log.Warn("a room was not told that a show begins", "show", show.ID, "room", a.Room, "err", err)
			a.Closed, errs = true, append(errs, err)
			continue
		}
		a.Event, a.Revision = event, show.Revision()
	}
	if len(errs) == len(show.Announcements) {
		return errors.Join(errs...)
	}
	return nil
}

// releaseUnannounced gives an address back that nobody has been told of: a
// homeserver reserves only a few.
func (o *Options) releaseUnannounced(ctx context.Context, mxc string) {
	if mxc == "" {
		return
	}
	if err := o.Media.Release(context.WithoutCancel(ctx), mxc); err != nil {
		o.Log.Warn("a reserved address stays reserved", "err", err)
	}
}

// forget takes back the record of a show that never was.
func (o *Options) forget(ctx context.Context, id string) {
	if err := o.Store.DeleteShow(context.WithoutCancel(ctx), id); err != nil {
		o.Log.Warn("the record of a failed start stays, the next start will clean up", "show", id, "err", err)
	}
}

// deleteUpload takes back an upload that nobody has been told of.
func (o *Options) deleteUpload(ctx context.Context, upload uploader.Upload) {
	if err := upload.Delete(context.WithoutCancel(ctx)); err != nil {
		o.Log.Warn("an empty recording stays at the gateway", "err", err)
	}
}

// spoolPath is where the growing file of a track is.
func (o *Options) spoolPath(id string) string { return filepath.Join(o.SpoolDir, id+".mxc") }
