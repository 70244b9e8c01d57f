package broadcast

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/retry"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

// preparation makes a show: source, upload, spool with block 0, record,
// announcements. After an error nothing of it is left behind.
type preparation struct {
	*Options
	request Request
	undo    []func() // takes back what was done, the last one first
}

// prepare opens all that a show needs and announces it. Where it is not known
// whether a room has the announcement, as after a lost answer, it returns with the
// error a session that breaks off at once: its conclusion tells the rooms.
func prepare(ctx context.Context, o *Options, r Request) (session *Session, err error) {
	p := &preparation{Options: o, request: r}
	defer func() {
		if session == nil { // also when a panic is on its way
			p.takeBack()
		}
	}()
	if err := p.checkRooms(ctx); err != nil {
		return nil, err
	}
	source, err := p.openSource(ctx)
	if err != nil {
		return nil, err
	}
	show, t, err := p.begin(ctx, source.Format())
	if err != nil {
		return nil, err
	}
	e := newEntry(o, show)
	err = p.announce(ctx, e)
	switch {
	case retry.IsPermanent(err):
		return nil, err
	case err != nil:
		source.Close()
		source = brokenSource{errUnannounced}
	}
	return newSession(o, e, source, []*track{t}), err
}

// errUnannounced is why a show ends whose rooms may not know of it.
var errUnannounced = errors.New("its start could not be announced")

func (p *preparation) takeBack() {
	for i := len(p.undo) - 1; i >= 0; i-- {
		p.undo[i]()
	}
}

// checkRooms asks the rooms as they are now: a request may have waited for its turn. What happens from
// here on finds the show in its places.
func (p *preparation) checkRooms(ctx context.Context) error {
	asked := &store.Show{Speaker: p.request.Speaker, Tracks: []store.Track{{Plain: p.request.Plain}}}
	for _, room := range p.request.Rooms {
		if err := p.Announcer.MayGoOn(ctx, asked, room); err != nil {
			return fmt.Errorf("the show cannot begin: %w", err)
		}
	}
	return nil
}

func (p *preparation) openSource(ctx context.Context) (capture.Source, error) {
	if p.request.Source == "" {
		p.request.Source = p.DefaultSource
	}
	source, err := p.open(ctx, p.request.Source, capture.Options{})
	if err != nil {
		return nil, fmt.Errorf("the source cannot be opened: %w", err)
	}
	p.undo = append(p.undo, func() { source.Close() })
	return source, nil
}

// open opens a source that goes on after ctx has ended, if that does not end while
// the source is being opened.
func (o *Options) open(ctx context.Context, spec string, has capture.Options) (capture.Source, error) {
	life, end := context.WithCancelCause(context.WithoutCancel(ctx))
	opened := context.AfterFunc(ctx, func() { end(context.Cause(ctx)) })
	var source capture.Source
	err := capture.Guard(o.Log, func() (err error) {
		source, err = o.OpenSource(life, spec, has)
		return err
	})
	opened()
	if err != nil {
		end(err)
	}
	return source, err
}

// begin makes the show's file, with an upload that follows it.
func (p *preparation) begin(ctx context.Context, format capture.Format) (*store.Show, *track, error) {
	upload, err := p.Gateway.Create(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("the gateway cannot take the show: %w", err)
	}
	known, err := p.Store.Shows(ctx, store.Filter{ID: upload.ID(), Limit: 1})
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errStorage, err)
	}
	if len(known) > 0 { // its record, and its key, would be replaced
		return nil, nil, fmt.Errorf("the gateway gives the show the id of an older one, %s", upload.ID())
	}
	p.undo = append(p.undo, func() { p.deleteUpload(ctx, upload) })
	show := p.newShow(p.request, format, upload.ID())
	t, err := createTrack(show.Main(), p.spoolPath(upload.ID()), opusblocks.Head{
		Channels: format.Channels, PreSkip: format.PreSkip,
		Title: show.Title, Speaker: show.Speaker, Started: show.StartedAt,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errStorage, err)
	}
	p.undo = append(p.undo, func() { t.remove() })
	t.addOutlet(upload, p.Log)
	return show, t, nil
}

// newShow is the record of the show, with a fresh key unless it goes without one, and with one of its
// own for its checkpoints.
func (o *Options) newShow(r Request, format capture.Format, id string) *store.Show {
	t := store.Track{
		ID: id, Gateway: o.PublicURL, Plain: r.Plain,
		Channels: format.Channels, Bitrate: format.Bitrate, BlockDuration: o.BlockDuration,
	}
	if !t.Plain {
		t.Key = opusblocks.NewKey()
	}
	_, t.Signing, _ = ed25519.GenerateKey(nil) // it never fails
	show := &store.Show{
		ID: id, Speaker: r.Speaker, Title: r.Title, Source: r.Source, StartedAt: time.Now(),
		Stage: store.Starting, Tracks: []store.Track{t},
	}
	for _, room := range r.Rooms {
		show.Announcements = append(show.Announcements, store.Announcement{Room: room})
	}
	return show
}

// announce tells the rooms that the show begins, and at which address its file
// will be. The show is live then, unless no room could be told.
//
// The record is saved before: a crash between the two is repaired, where an
// announcement without a record would stand for ever.
func (p *preparation) announce(ctx context.Context, e *entry) error {
	if err := e.add(); err != nil {
		return retry.Permanent(err)
	}
	id := e.show.ID
	p.undo = append(p.undo, func() { p.forget(ctx, id) }) // not before: what has this id could be another show
	reserved := p.Media.Reserve(ctx)
	if reserved != "" {
		p.undo = append(p.undo, func() { p.release(ctx, reserved) })
	}
	e.update(func(show *store.Show) { show.Main().Reserved = reserved })
	if err := p.announceInRooms(ctx, e); err != nil {
		return fmt.Errorf("the show cannot be announced: %w", err)
	}
	e.update(func(show *store.Show) { show.Stage = store.Live })
	return nil
}

// announceInRooms returns an error when no room could be told. Where some could,
// the others are told when the show is over.
func (p *preparation) announceInRooms(ctx context.Context, e *entry) error {
	show := e.get()
	var errs []error
	for i, a := range show.Announcements {
		event, err := p.Announcer.Announce(ctx, &show, a.Room)
		if err != nil {
			e.log.Warn("a room was not told that a show begins", "room", a.Room, "err", err)
			errs = append(errs, err)
			continue
		}
		e.update(func(s *store.Show) {
			s.Announcements[i].Event, s.Announcements[i].Revision = event, show.Revision()
		})
	}
	if len(errs) < len(show.Announcements) {
		return nil
	}
	for _, err := range errs {
		if !retry.IsPermanent(err) {
			return err
		}
	}
	return errors.Join(errs...)
}

// forget takes back the record of a show that never was.
func (o *Options) forget(ctx context.Context, id string) {
	if err := o.Store.RemoveShow(context.WithoutCancel(ctx), id); err != nil {
		o.Log.Warn("the record of a failed start stays, the next start will clean up", "show", id, "err", err)
	}
}

// deleteUpload takes back an upload that nobody has been told of.
func (o *Options) deleteUpload(ctx context.Context, upload uploader.Upload) {
	if err := upload.Delete(context.WithoutCancel(ctx)); err != nil {
		o.Log.Warn("an empty recording stays at the gateway", "err", err)
	}
}

// release takes back an address that nobody has been told of: a homeserver
// reserves only a few.
func (o *Options) release(ctx context.Context, mxc string) {
	if err := o.Media.Release(context.WithoutCancel(ctx), mxc); err != nil {
		o.Log.Warn("a reserved address stays reserved", "err", err)
	}
}

// spoolPath is where the growing file of a track is.
func (o *Options) spoolPath(id string) string { return filepath.Join(o.SpoolDir, id+".mxc") }
