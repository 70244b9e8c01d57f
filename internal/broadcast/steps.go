package broadcast

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"broadcastbot/internal/retry"
	"broadcastbot/store"
)

// step is one thing that has to be done for a show whose files are complete. It
// can be repeated: what it finds done, it does not do again.
type step struct {
	name  string
	needs []string      // steps without whose outcome it does not begin
	after []string      // steps whose first try comes before its own
	grace time.Duration // how long it waits for the steps in after at most; 0: as long as they take
	run   func(*conclusion, context.Context) error
}

// The names of the steps, in the table, the store and the log.
const (
	described = "described" // the record knows hash, seek table, waveform and level of the files
	told      = "told"      // the rooms know that the show is over
	copied    = "copied"    // the gateway, and every other outlet, has all of it
	uploaded  = "uploaded"  // the homeserver has the files, where it takes them
	voiced    = "voiced"    // the rooms have the voice message
	retold    = "retold"    // the announcements tell everything that became known later
	removed   = "removed"   // the spools are gone
)

// recapGrace is how long the rooms wait for the recap, with which there is nothing
// to be told later. It is there at once, except after a restart, when the file is
// read back from its beginning.
const recapGrace = 300 * time.Millisecond

// uploadGrace is how long the voice message waits for the upload, which needs the
// same line, and of a plain show the same file.
const uploadGrace = 5 * time.Minute

// steps are the conclusion of a show. Each is tried until it has an outcome, and
// none waits for another longer than it has to: people wait for the rooms to be
// told.
var steps = []step{
	{name: described, run: (*conclusion).describe},
	{name: told, after: []string{described}, grace: recapGrace, run: (*conclusion).tellRooms},
	{name: copied, run: (*conclusion).awaitCopies},
	{name: uploaded, after: []string{told}, run: (*conclusion).uploadMedia},
	{name: voiced, needs: []string{described}, after: []string{told, uploaded}, grace: uploadGrace, run: (*conclusion).postVoices},
	{name: retold, needs: []string{described, told, uploaded}, run: (*conclusion).updateRooms},
	{name: removed, needs: []string{described, told, copied, uploaded, voiced, retold}, run: (*conclusion).removeSpools},
}

// describe notes what the files turned out to be.
func (c *conclusion) describe(ctx context.Context) error {
	return c.withEveryTrack(func(i int, recorded store.Track) error {
		if recorded.SHA256 != "" {
			return nil
		}
		recap, err := c.tracks[i].readRecap(ctx)
		if err != nil {
			return err
		}
		return c.entry.update(func(show *store.Show) { show.Tracks[i].Recap = recap })
	})
}

// withEveryTrack does something with each track and its record.
func (c *conclusion) withEveryTrack(do func(i int, recorded store.Track) error) error {
	var errs []error
	for i, recorded := range c.entry.get().Tracks {
		errs = append(errs, do(i, recorded))
	}
	return joinErrors(errs)
}

// tellRooms tells every room that the show is over. The record has to know it
// before: a show that rooms believe to be over must never go on air again. Where
// the disk has no room for the record, the age of the spools says it.
func (c *conclusion) tellRooms(ctx context.Context) error {
	if err := c.entry.save(); err != nil {
		if ageErr := c.ageSpools(); ageErr != nil {
			return errors.Join(err, ageErr)
		}
	}
	return c.updateRooms(ctx)
}

// ageSpools makes the spools look as old as can be, which needs no room on the
// disk: nothing is added to an old one after a crash.
func (c *conclusion) ageSpools() (err error) {
	for _, t := range c.tracks {
		if t.isReadable() {
			err = errors.Join(err, os.Chtimes(t.path, time.Time{}, time.Unix(0, 0)))
		}
	}
	return err
}

// awaitCopies waits until the outlets have all of the files.
func (c *conclusion) awaitCopies(ctx context.Context) error {
	return c.withEveryTrack(func(i int, recorded store.Track) error {
		t := c.tracks[i]
		if !t.isReadable() {
			finishUpload(ctx, c.options.Gateway.Upload(recorded.ID), c.log)
			return retry.Permanent(errUnreadable)
		}
		var errs []error
		for _, o := range t.outlets {
			errs = append(errs, o.wait(ctx))
		}
		return joinErrors(errs)
	})
}

// uploadMedia puts the files into the homeserver's media. Listeners still have
// from the gateway what the homeserver refuses. The address that was reserved for
// it is given back then, as is that of a show that no room can be told of.
func (c *conclusion) uploadMedia(ctx context.Context) error {
	show := c.entry.get()
	return c.withEveryTrack(func(i int, recorded store.Track) error {
		if recorded.MXC != "" {
			return nil
		}
		mxc, err := c.uploadTrack(ctx, i, &recorded, show.CanBeTold())
		if retry.IsPermanent(err) {
			if err := c.release(ctx, i, recorded.Reserved); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		return c.entry.update(func(show *store.Show) { show.Tracks[i].MXC, show.Tracks[i].Reserved = mxc, "" })
	})
}

func (c *conclusion) uploadTrack(ctx context.Context, i int, recorded *store.Track, canBeTold bool) (mxc string, err error) {
	switch t := c.tracks[i]; {
	case !t.isReadable():
		return "", retry.Permanent(errUnreadable)
	case !canBeTold:
		return "", ErrRoomClosed
	default:
		return c.options.Media.Upload(ctx, recorded, t.path)
	}
}

// release gives a track's reserved address back. An upload of which no answer came may have filled it.
func (c *conclusion) release(ctx context.Context, i int, reserved string) error {
	if reserved == "" {
		return nil
	}
	err := c.options.Media.Release(ctx, reserved)
	if errors.Is(err, ErrFilled) {
		logKept(c.log, reserved)
	} else if err != nil {
		return err
	}
	return c.entry.update(func(show *store.Show) { show.Tracks[i].Reserved = "" })
}

// errNotAnnounced passes: the step told posts what is missing.
var errNotAnnounced = errors.New("there is no announcement yet that a voice message could answer")

// postVoices answers every announcement with a voice message, if there is any
// sound to be heard.
func (c *conclusion) postVoices(ctx context.Context) error {
	main := c.tracks[0]
	return c.entry.inEveryRoom(func(show *store.Show, a store.Announcement) (noteFunc, error) {
		if a.VoiceEvent != "" || show.Main().Duration == 0 {
			return nil, nil
		}
		if !main.isReadable() {
			return nil, retry.Permanent(errUnreadable)
		}
		if a.Event == "" {
			return nil, errNotAnnounced
		}
		if err := c.checkAnnounced(ctx, a); err != nil {
			return nil, err
		}
		c.entry.noteVoicing()
		event, err := c.options.Announcer.PostVoice(ctx, show, a, main.path)
		return func(a *store.Announcement) { a.VoiceEvent = event }, err
	})
}

// errKept is why a spool stays.
var errKept = errors.New("the recording is kept, because it could not be read back or the gateway does not have all of it")

// removeSpools removes the spools if all files were described and are complete at
// their outlets.
func (c *conclusion) removeSpools(context.Context) error {
	if c.outcome(described) != store.Done || c.outcome(copied) != store.Done {
		return retry.Permanent(fmt.Errorf("%w: %v", errKept, c.paths()))
	}
	// The outcomes first: without the spools nothing else proves them.
	if err := c.entry.save(); err != nil {
		return err
	}
	for _, t := range c.tracks {
		if err := t.remove(); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove the spool: %w", err)
		}
	}
	return nil
}

func (c *conclusion) paths() (paths []string) {
	for _, t := range c.tracks {
		paths = append(paths, t.path)
	}
	return paths
}
