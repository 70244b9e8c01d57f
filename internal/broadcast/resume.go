package broadcast

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/retry"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

// errRestarted is why a show ends that a crash has broken off.
var errRestarted = errors.New("the bot was restarted")

// resume goes on with every show that the last run left open, so that no room
// says LIVE for ever. All of them are worked on side by side. One that was on air
// may go on if its places are free, the newest first.
func (m *Manager) resume(ctx context.Context) error {
	open, err := m.Store.Shows(ctx, store.Filter{Stages: store.Unconcluded})
	if err != nil {
		return err
	}
	for _, show := range open {
		l := m.lives.begin(m.life, newEntry(&m.Options, show))
		r := &reopening{Options: &m.Options, entry: l.entry, life: l}
		if show.Stage == store.Deleting {
			m.deleteLife(l)
			m.lives.finish(l)
			continue
		}
		if show.Stage == store.Live {
			if p, free, _ := m.places.claim(show.AnnouncedIn(), l.entry); free {
				r.place = p
			}
		}
		if r.place == nil {
			m.places.running.Add(1)
		}
		go m.resumeShow(ctx, r)
	}
	return nil
}

// resumeShow brings one show back on air, or to its conclusion. What it cannot do
// because the program ends is left to the next start.
func (m *Manager) resumeShow(ctx context.Context, r *reopening) {
	defer m.places.running.Done()
	if show := r.entry.get(); m.isKnownRemoved(ctx, &show) {
		m.places.vacate(r.place)
		m.deleteLife(r.life)
		m.lives.finish(r.life)
		return
	}
	session, tracks, err := r.reopen(ctx)
	if session != nil {
		m.places.occupy(r.place, session)
		m.run(r.life, session, r.place)
		return
	}
	defer m.lives.finish(r.life)
	m.places.vacate(r.place)
	if err != nil {
		r.entry.log.Info("nothing more is done for the show in this run", "err", err)
		return
	}
	c := newConclusion(m, r.life, tracks)
	c.continueUploads(r.life.ctx)
	c.run(r.life.ctx)
}

// reopening opens a show that the last run left.
type reopening struct {
	*Options
	entry *entry
	life  *life
	place *place // in which the show may go on; nil: it may not
}

// reopen returns a session, if the show goes on, and else the tracks of a show of
// which only the conclusion is left. Its error is that ctx has ended, or
// errToldOver where nothing is left to be done.
func (r *reopening) reopen(ctx context.Context) (*Session, []*track, error) {
	show := r.entry.get()
	tracks, left, err := r.openTracks(ctx, &show)
	if err != nil {
		return nil, nil, err
	}
	if show.Stage != store.Concluding {
		if err = r.mayWrite(ctx, tracks, left); err == nil {
			err = resumeWriters(tracks, left)
		}
		if err == nil {
			return r.continueShow(ctx, tracks, left[0]), nil, nil
		}
		if ctx.Err() == nil && isOlder(err) {
			tracks, err = r.setAside(ctx, &show, tracks, err)
		}
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if ctx.Err() != nil || errors.Is(err, errToldOver) {
			closeTracks(tracks)
			return nil, nil, err
		}
		r.complete(tracks, err)
	}
	if err := finishSpools(tracks); err != nil {
		r.entry.log.Warn("the end of the recording may not survive a power cut", "err", err)
	}
	return nil, tracks, nil
}

// retryOpen is how long the disk is asked for a spool: a quarter of a minute at
// most. Then the show goes to its conclusion without it.
var retryOpen = retry.Policy{First: time.Second, Max: 8 * time.Second, Attempts: 5}

// openTracks opens the spools as far as they can be read.
func (r *reopening) openTracks(ctx context.Context, show *store.Show) (tracks []*track, left []leftover, err error) {
	for i := range show.Tracks {
		t, l, err := r.openTrack(ctx, &show.Tracks[i])
		if ctx.Err() != nil {
			closeTracks(tracks)
			return nil, nil, context.Cause(ctx)
		}
		if err != nil {
			r.entry.log.Error("a recording of the last run cannot be read", "err", err)
			t, l = newTrack(&show.Tracks[i], r.spoolPath(show.Tracks[i].ID)), leftover{damage: err}
		}
		tracks, left = append(tracks, t), append(left, l)
	}
	return tracks, left, nil
}

func (r *reopening) openTrack(ctx context.Context, recorded *store.Track) (t *track, l leftover, err error) {
	err = retry.Do(ctx, retryOpen, func(context.Context) (err error) {
		t, l, err = openTrack(recorded, r.spoolPath(recorded.ID))
		return err
	}, retry.IsPermanent, func(err error, delay time.Duration) {
		r.entry.log.Warn("a spool cannot be opened, will try again", "err", err, "retry_in", delay)
	})
	if err == nil {
		t.addOutlet(r.Gateway.Upload(t.id), r.Log)
	}
	return t, l, err
}

// errUnknownOffset is why nothing is written to files of which the gateway may have more.
var errUnknownOffset = errors.New("it is not known what the gateway has")

// errComplete is why nothing is written to files that have their end.
var errComplete = errors.New("the recording is complete")

// mayWrite says why no block may be added to what is left of a show, or returns
// nil. Its age does not matter, nor whether it is an older copy of the show: what
// comes is sealed in an epoch of its own. But listeners get it only if it continues
// what the gateway has.
func (r *reopening) mayWrite(ctx context.Context, tracks []*track, left []leftover) error {
	if !slices.ContainsFunc(left, func(l leftover) bool { return !l.ended }) {
		return errComplete
	}
	for i, l := range left {
		switch {
		case l.damage != nil:
			return l.damage
		case l.ended:
			return errors.New("one of its files has its end already")
		}
		offset, err := tracks[i].gateway().upload.Offset(ctx)
		if err != nil {
			return fmt.Errorf("%w: %w", errUnknownOffset, err)
		}
		if offset > l.position.Offset {
			return fmt.Errorf("%w: %d bytes, not %d", uploader.ErrAhead, offset, l.position.Offset)
		}
	}
	return nil
}

// complete notes that nothing more is written to the show.
func (r *reopening) complete(tracks []*track, why error) {
	if why == errComplete {
		completeShow(r.entry, tracks, nil)
		return
	}
	r.entry.log.Warn("nothing more is written to the recording", "err", why)
	completeShow(r.entry, tracks, errRestarted)
}

// resumeWriters makes it possible to add blocks to files of the last run.
func resumeWriters(tracks []*track, left []leftover) (err error) {
	for i, t := range tracks {
		if t.writer, err = t.form.ResumeWriter(t.spool, left[i].reader); err != nil {
			return err
		}
	}
	return nil
}

// continueShow goes on in the same files: on air if the show has its places, or
// else for as long as it takes to write the end.
func (r *reopening) continueShow(ctx context.Context, tracks []*track, left leftover) *Session {
	return newSession(r.Options, r.entry, r.openSource(ctx, left), tracks)
}

// openSource opens the show's source once more if it is a live one, because a file
// would begin again, and if the show was on air until recently: nobody expects that
// one of yesterday opens the microphone.
func (r *reopening) openSource(ctx context.Context, left leftover) capture.Source {
	show := r.entry.get()
	spec := show.Source
	if age := time.Since(left.written); age > r.ResumeWithin+r.late(spec) {
		r.entry.log.Info("the show is too old to go on air again", "age", age.Round(time.Second))
		return brokenSource{errRestarted}
	}
	if r.place == nil || !r.IsLive(spec) {
		return brokenSource{errRestarted}
	}
	if err := r.mayGoOn(ctx); err != nil {
		return brokenSource{fmt.Errorf("%w, and after that: %w", errRestarted, err)}
	}
	if r.place.isStopped() {
		return brokenSource{errStopped}
	}
	has := capture.Options{Resumed: true, Recorded: left.position.Samples, Bitrate: show.Main().Bitrate}
	source, err := r.open(ctx, spec, has)
	if err != nil {
		return brokenSource{fmt.Errorf("%w, and after that: %w", errRestarted, err)}
	}
	if source.Format().Channels != left.head.Channels {
		source.Close()
		return brokenSource{errRestarted}
	}
	r.entry.log.Info("the show goes on after a restart")
	return source
}

// late is how much older than the last write the last checkpoint of a show may be.
func (o *Options) late(spec string) time.Duration {
	if o.Late == nil {
		return 0
	}
	return o.Late(spec)
}

// errToldOver means that the record is older than what the room has read.
var errToldOver = errors.New("its room was told before that it is over")

// mayGoOn asks whether all rooms still let the show be on air, and believe that it is: a record from a
// copy of the disk may not know of the end. Whatever is not known counts as no.
func (r *reopening) mayGoOn(ctx context.Context) error {
	show := r.entry.get()
	if show.Stage == store.Deleting {
		return errDeleted
	}
	for _, a := range show.Announcements {
		if a.Event == "" || a.Closed {
			continue
		}
		if err := r.Announcer.MayGoOn(ctx, &show, a.Room); err != nil {
			return err
		}
		over, err := r.Announcer.IsOver(ctx, a)
		if err != nil {
			return err
		}
		if over {
			return errToldOver
		}
	}
	return nil
}

// brokenSource is the source of a show that can only be ended.
type brokenSource struct{ err error }

func (brokenSource) Format() capture.Format                       { return capture.Format{} }
func (s brokenSource) ReadPacket(context.Context) ([]byte, error) { return nil, s.err }
func (brokenSource) EndTrim() int                                 { return 0 }
func (brokenSource) Close() error                                 { return nil }
