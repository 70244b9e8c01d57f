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
)

// errRestarted is why a show ends that a crash has broken off.
var errRestarted = errors.New("the bot was restarted")

// resume goes on with every show that the last run left open, so that no room
// says LIVE for ever. The newest of a room that was on air takes the room's
// place, because it may go on; all of them are worked on side by side.
func (m *Manager) resume(ctx context.Context) error {
	open, err := m.Store.Shows(ctx, store.Filter{Stages: store.Unconcluded})
	if err != nil {
		return err
	}
	for _, show := range open { // the newest first
		var rooms []string
		if show.Stage != store.Concluding && m.areFree(show.Rooms()) {
			rooms = show.Rooms()
		}
		if _, err := m.tryClaim(rooms); err != nil {
			return err
		}
		go m.resumeShow(ctx, newEntry(&m.Options, show), rooms)
	}
	return nil
}

func (m *Manager) areFree(rooms []string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !slices.ContainsFunc(rooms, func(room string) bool { return m.places[room].stage != "" })
}

// resumeShow brings one show back on air, or to its conclusion. What it cannot
// do because the program ends is left to the next start.
func (m *Manager) resumeShow(ctx context.Context, e *entry, rooms []string) {
	r := &reopening{Options: &m.Options, entry: e}
	session, tracks, err := r.reopen(ctx)
	if session != nil {
		m.occupy(rooms, session)
		m.run(session, rooms)
		return
	}
	defer m.running.Done()
	m.vacate(rooms)
	if err != nil {
		e.log.Info("the show is left to the next start", "err", err)
		return
	}
	c := newConclusion(&m.Options, e, tracks)
	c.sendCopies(m.life)
	c.run(m.life)
}

// reopening is how a show is opened that the last run left.
type reopening struct {
	*Options
	entry *entry
}

// reopen returns a session, if the show can be written to, and else tracks of
// which only the conclusion is left. It tries until ctx ends, whose cause it
// returns then.
func (r *reopening) reopen(ctx context.Context) (*Session, []*track, error) {
	if err := r.announce(ctx); err != nil {
		return nil, nil, err
	}
	show := r.entry.get()
	tracks, left, err := r.openTracks(ctx, &show)
	if err != nil {
		return nil, nil, err
	}
	if show.Stage != store.Concluding {
		why := r.mayContinue(ctx, tracks, left)
		if why == nil {
			return r.continueShow(ctx, tracks, left[0]), nil, nil
		}
		if ctx.Err() != nil {
			closeTracks(tracks)
			return nil, nil, context.Cause(ctx)
		}
		r.complete(tracks, left, why)
	}
	if err := finishSpools(tracks); err != nil {
		r.entry.log.Warn("the end of the recording may not survive a power cut", "err", err)
	}
	return nil, tracks, nil
}

// announce repeats the announcement of a show whose start a crash has broken
// off: the crash may have come before the homeserver's answer.
func (r *reopening) announce(ctx context.Context) error {
	if r.entry.get().Stage != store.Starting {
		return nil
	}
	err := r.repeat(ctx, func(ctx context.Context) error { return announce(ctx, r.Options, r.entry) })
	if !retry.IsPermanent(err) {
		return err
	}
	return r.entry.update(func(show *store.Show) {
		for i := range show.Announcements {
			show.Announcements[i].Closed = true
		}
	})
}

// openTracks opens the spools as far as they can be read.
func (r *reopening) openTracks(ctx context.Context, show *store.Show) (tracks []*track, left []leftover, err error) {
	for _, recorded := range show.Tracks {
		var t *track
		var l leftover
		err := r.repeat(ctx, func(context.Context) (err error) {
			t, l, err = openTrack(recorded, r.spoolPath(recorded.ID))
			return err
		})
		if retry.IsPermanent(err) {
			r.entry.log.Error("a recording of the last run cannot be read", "err", err)
			t, l = &track{Track: recorded, path: r.spoolPath(recorded.ID)}, leftover{damage: err}
		} else if err != nil {
			closeTracks(tracks)
			return nil, nil, err
		} else {
			t.addOutlet(r.Gateway.Upload(t.ID), r.Log)
		}
		tracks, left = append(tracks, t), append(left, l)
	}
	return tracks, left, nil
}

func (r *reopening) repeat(ctx context.Context, do func(context.Context) error) error {
	return retry.Do(ctx, retryStep, do, retry.IsPermanent, func(err error, delay time.Duration) {
		r.entry.log.Warn("the show cannot be resumed yet", "err", err, "retry_in", delay)
	})
}

// errComplete is why nothing is written to a file that has its end.
var errComplete = errors.New("the recording is complete")

// mayContinue says why no block may be added to what is left of a show, or
// returns nil. What somebody has seen must never become something else, and its
// sequence number never be sealed again; that the spool and the gateway agree, a
// moment after the crash, is the proof that none is. An old spool may be a
// backup's.
func (r *reopening) mayContinue(ctx context.Context, tracks []*track, left []leftover) error {
	ended := func(l leftover) bool { return l.ended }
	if !slices.ContainsFunc(left, func(l leftover) bool { return !l.ended }) {
		return errComplete
	}
	for i, t := range tracks {
		switch age := time.Since(left[i].written); {
		case left[i].damage != nil:
			return left[i].damage
		case ended(left[i]):
			return errors.New("one of its files has its end already")
		case age > r.ResumeWithin:
			return fmt.Errorf("it was written %v ago", age.Round(time.Second))
		}
		offset, err := t.gateway().upload.Offset(ctx)
		if err != nil {
			return fmt.Errorf("it is not known what the gateway has: %w", err)
		}
		if have := left[i].position.Offset; offset > have {
			return fmt.Errorf("the gateway has %d bytes, the spool only %d", offset, have)
		}
	}
	return nil
}

// continueShow puts the show on air again, in the same files.
func (r *reopening) continueShow(ctx context.Context, tracks []*track, left leftover) *Session {
	for _, t := range tracks {
		t.writer = t.Form().ResumeWriter(t.spool, t.end)
	}
	return newSession(r.Options, r.entry, r.sourceAgain(ctx, left), tracks)
}

// complete notes that nothing more is written to the show, and why.
func (r *reopening) complete(tracks []*track, left []leftover, why error) {
	var cause error
	if why != errComplete {
		r.entry.log.Warn("nothing more is written to the recording", "err", why)
		cause = errRestarted
	}
	completeShow(r.entry, tracks, cause)
}

// sourceAgain opens the show's source once more if it is a live one: a file
// would begin again.
func (r *reopening) sourceAgain(ctx context.Context, left leftover) capture.Source {
	spec := r.entry.get().Source
	if !r.IsLive(spec) {
		return brokenSource{errRestarted}
	}
	source, err := r.OpenSource(context.WithoutCancel(ctx), spec)
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

// brokenSource is the source of a show that can only be ended.
type brokenSource struct{ err error }

func (brokenSource) Format() capture.Format                       { return capture.Format{} }
func (s brokenSource) ReadPacket(context.Context) ([]byte, error) { return nil, s.err }
func (brokenSource) EndTrim() int                                 { return 0 }
func (brokenSource) Close() error                                 { return nil }
