package broadcast

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"broadcastbot/internal/livefile"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

// Find returns the show that somebody in a room means: the one that the event announces, or is the
// voice message of. Where event is "", it is the show on air there, which is waited for if it is
// just starting, or else the room's last one. The error is ErrNoShow where there is none, or where
// it was deleted.
func (m *Manager) Find(ctx context.Context, room, event string) (store.Show, error) {
	if event == "" {
		return m.findLast(ctx, room)
	}
	shows, err := m.Store.Shows(ctx, store.Filter{Room: room, Event: event, Limit: 1})
	if err != nil {
		return store.Show{}, err
	}
	if len(shows) == 0 {
		return store.Show{}, ErrNoShow
	}
	return *shows[0], nil
}

func (m *Manager) findLast(ctx context.Context, room string) (store.Show, error) {
	show, err := m.places.of(room).show(ctx)
	if !errors.Is(err, ErrNotLive) {
		return show, err
	}
	last, err := m.Store.LastShow(ctx, room)
	if err != nil {
		return store.Show{}, err
	}
	if last == nil {
		return store.Show{}, ErrNoShow
	}
	return *last, nil
}

// ErrNotCutOff means that the gateway, which has a show's recording, could not be told to remove it.
// It will be, for as long as it takes.
var ErrNotCutOff = errors.New("the gateway does not remove the recording yet, and will be asked again until it does")

// ErrNotOnRecord means that the disk does not take the record of a deletion, so that a restart would
// forget what is left of it.
var ErrNotOnRecord = errors.New("the deletion is not on record yet")

// Delete removes a show and every trace of it: it goes off air, its listeners are cut off, and
// recording, spool, messages and keys are removed, each as soon as that is possible. All of it goes
// on after a crash. It returns when the deletion is on record and the gateway was asked once; where
// one of these did not work, the error is ErrNotOnRecord or ErrNotCutOff, or both. A show that is not
// there (any more) is no error.
func (m *Manager) Delete(ctx context.Context, id string) error {
	if err := m.awaitResumed(ctx); err != nil {
		return err
	}
	l, err := m.lifeOf(ctx, id)
	if l == nil {
		return err
	}
	d := m.deleteLife(l)
	select {
	case <-d.progress[cutOff].tried:
	case <-m.life.Done():
		return errShutdown
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	var errs []error
	if err := d.progress[cutOff].firstErr; err != nil {
		errs = append(errs, fmt.Errorf("%w: %w", ErrNotCutOff, err))
	}
	if err := l.entry.save(); err != nil { // once more
		errs = append(errs, fmt.Errorf("%w: %w", ErrNotOnRecord, err))
	}
	return errors.Join(errs...)
}

// deleteLife begins to delete a show, unless somebody has already, and returns the deletion. While
// the program shuts down it only notes it: the next start does it.
func (m *Manager) deleteLife(l *life) *conclusion {
	m.lives.mu.Lock()
	d, isFirst, entered := l.deletion, l.deletion == nil, false
	if isFirst {
		d = newDeletion(&m.Options, l)
		l.deletion = d
		entered = m.places.enter() // before anybody else returns who wants the same
	}
	m.lives.mu.Unlock()
	if !isFirst {
		return d
	}
	l.entry.update(beDeleted) // where that is not saved, Delete repeats it, and every step
	l.entry.log.Info("the show is being deleted")
	l.end(errDeleted)
	if entered {
		go func() {
			defer m.places.running.Done()
			d.runSteps(m.life)
			m.lives.forget(l)
		}()
	}
	return d
}

// beDeleted also has those rooms asked once more that were closed: they may be open again.
func beDeleted(show *store.Show) {
	show.Stage = store.Deleting
	for i, a := range show.Announcements {
		if a.Event != "" {
			show.Announcements[i].Closed = false
		}
	}
}

func newDeletion(o *Options, l *life) *conclusion {
	d := newPlan(o, l.entry, deletionSteps)
	d.over = l.over
	return d
}

// The names of a deletion's steps.
const (
	cutOff    = "cutoff"    // the gateway has removed the recordings, and cut off who listened
	idle      = "idle"      // nobody works with the files any more
	erased    = "erased"    // there are no spools, nor copies of them
	released  = "released"  // no address is reserved for the files
	retracted = "retracted" // the rooms have neither announcement nor voice message
	forgotten = "forgotten" // there is no record, and there are no keys
)

// deletionSteps remove a show. The first one is what people wait for, and what cannot be delayed by
// anything that the show still does.
var deletionSteps = []step{
	{name: cutOff, run: removeUploads},
	{name: idle, run: awaitIdle},
	{name: erased, needs: []string{idle}, run: eraseSpools},
	{name: released, needs: []string{idle}, run: releaseAddresses},
	{name: retracted, needs: []string{idle}, run: retractMessages},
	{name: forgotten, needs: []string{cutOff, erased, released, retracted}, run: forget},
}

// removeUploads is never given up: as long as a gateway has the recording, people hear it.
func removeUploads(c *conclusion, ctx context.Context) error {
	return c.withEveryTrack(func(_ int, recorded store.Track) error {
		if err := c.options.removeUpload(ctx, &recorded); err != nil {
			return fmt.Errorf("remove the recording at the gateway: %v", err) // permanent or not
		}
		return nil
	})
}

// removeUpload returns nil when it is proven that the link plays no more. Of a show from before the
// config named this gateway, only the address that the link leads to can prove it.
func (o *Options) removeUpload(ctx context.Context, t *store.Track) error {
	err := o.Gateway.Upload(t.ID).Delete(ctx)
	if t.Gateway == o.PublicURL || err != nil && !errors.Is(err, uploader.ErrUnknown) {
		return err
	}
	if err := o.Gateway.CheckRemoved(ctx, t.LiveURL()); err != nil {
		return fmt.Errorf("the link leads to %s, the gateway of before, and the config names %s: %w", t.Gateway, o.PublicURL, err)
	}
	return nil
}

func awaitIdle(c *conclusion, ctx context.Context) error { return await(ctx, c.over) }

// eraseSpools removes the spools, and the copies that were kept of damaged ones.
func eraseSpools(c *conclusion, _ context.Context) error {
	return c.withEveryTrack(func(_ int, recorded store.Track) error {
		files, err := os.ReadDir(c.options.SpoolDir)
		for _, file := range files {
			if strings.HasPrefix(file.Name(), filepath.Base(c.options.spoolPath(recorded.ID))) {
				err = errors.Join(err, os.Remove(filepath.Join(c.options.SpoolDir, file.Name())))
			}
		}
		return errors.Join(err, livefile.SyncDir(c.options.SpoolDir))
	})
}

func releaseAddresses(c *conclusion, ctx context.Context) error {
	return c.withEveryTrack(func(i int, recorded store.Track) error {
		return c.release(ctx, i, recorded.Reserved)
	})
}

// retractMessages removes what the rooms have of the show. The homeserver keeps the media files,
// for which Matrix has no way to have them deleted; the log names them for its admin. It names the
// messages, too, that a room does not let the bot remove.
func retractMessages(c *conclusion, ctx context.Context) error {
	err := c.entry.inEveryRoom(func(show *store.Show, a store.Announcement) (noteFunc, error) {
		return nil, c.options.Announcer.Retract(ctx, show, a)
	})
	if err == nil {
		c.entry.logRemains()
	}
	return err
}

func logKept(log *slog.Logger, mxc string) {
	log.Info("the homeserver keeps a file of the show, which only its admin can delete", "mxc", mxc)
}

// logRemains names what others have to remove.
func (e *entry) logRemains() {
	show := e.get()
	for _, t := range show.Tracks {
		if t.MXC != "" {
			logKept(e.log, t.MXC)
		}
	}
	for _, a := range show.Announcements {
		if a.Closed {
			e.log.Warn("a room keeps messages about a deleted show, which only its moderators can remove",
				"room", a.Room, "announcement", a.Event, "edits", a.Edits, "voice", a.VoiceEvent)
		}
	}
}

func forget(c *conclusion, ctx context.Context) error {
	err := c.entry.remove(ctx)
	if err == nil {
		c.log.Info("deleted")
	}
	return err
}
