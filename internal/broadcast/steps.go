package broadcast

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"broadcastbot/internal/retry"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

// step is one thing that has to be done for a show whose files are complete. It
// can be repeated: what it finds done, it does not do again.
type step struct {
	name  string
	needs []string // steps without whose outcome it does not begin
	after []string // steps that it lets have the first try
	run   func(*conclusion, context.Context) error
}

// The names of the steps, as the store keeps their outcomes.
const (
	described = "described" // the record knows hash, seek table, waveform and loudness of the files
	told      = "told"      // the rooms know that the show is over
	copied    = "gateway"   // the gateway has all of it
	uploaded  = "media"     // the homeserver has the file, where it takes it
	voiced    = "voice"     // the rooms have the voice message
	retold    = "retold"    // the announcements tell everything that became known later
	removed   = "spool"     // the spools are gone, where nobody needs them
)

// steps are the conclusion of a show. Each is tried until it has an outcome, and
// none waits for another longer than it has to: people wait for the first two.
var steps = []step{
	{name: described, run: (*conclusion).describe},
	{name: told, run: (*conclusion).tellRooms},
	{name: copied, run: (*conclusion).awaitCopies},
	{name: uploaded, after: []string{told}, run: (*conclusion).uploadMedia},
	{name: voiced, needs: []string{described}, after: []string{told, uploaded}, run: (*conclusion).postVoices},
	{name: retold, needs: []string{described, told, uploaded}, run: (*conclusion).updateRooms},
	{name: removed, needs: []string{described, told, copied, uploaded, voiced, retold}, run: (*conclusion).removeSpools},
}

// describe notes what the files turned out to be.
func (c *conclusion) describe(ctx context.Context) error {
	for i, t := range c.tracks {
		recap, err := t.readRecap(ctx)
		if err != nil {
			return err
		}
		c.entry.update(func(show *store.Show) { show.Tracks[i].Recap = recap })
	}
	return nil
}

// recapGrace is how long the rooms wait for the recap. It is there at once,
// except after a restart, when the file is read back from its beginning.
const recapGrace = 300 * time.Millisecond

// tellRooms tells every room that the show is over. With the recap at hand there
// is nothing more to be told later, as long as the file's address stays the same.
func (c *conclusion) tellRooms(ctx context.Context) error {
	select {
	case <-c.progress[described].over:
	case <-time.After(recapGrace):
	}
	return c.updateRooms(ctx)
}

// updateRooms brings every announcement up to date.
func (c *conclusion) updateRooms(ctx context.Context) error {
	return c.inEveryRoom(func(show *store.Show, a store.Announcement) (noteFunc, error) {
		revision := show.Revision()
		if a.Revision == revision {
			return nil, nil
		}
		err := c.options.Announcer.Update(ctx, show, a)
		if retry.IsPermanent(err) {
			return func(a *store.Announcement) { a.Closed = true }, nil
		}
		return func(a *store.Announcement) { a.Revision = revision }, err
	})
}

// noteFunc notes in the record what was done. Other steps may have noted other
// things meanwhile.
type noteFunc = func(*store.Announcement)

// inEveryRoom does something in each room that is not closed, and has it noted
// where it worked.
func (c *conclusion) inEveryRoom(do func(*store.Show, store.Announcement) (noteFunc, error)) error {
	show := c.entry.get()
	var errs []error
	for i, a := range show.Announcements {
		if a.Closed {
			continue
		}
		note, err := do(&show, a)
		errs = append(errs, err)
		if err == nil && note != nil {
			c.entry.update(func(s *store.Show) { note(&s.Announcements[i]) })
		}
	}
	return joinErrors(errs)
}

// awaitCopies waits until the outlets have all of the files.
func (c *conclusion) awaitCopies(ctx context.Context) error {
	for _, t := range c.tracks {
		if t.spool == nil {
			finishUpload(ctx, c.options.Gateway.Upload(t.ID), c.log)
			return retry.Permanent(errUnreadable)
		}
		for _, o := range t.outlets {
			if err := o.wait(ctx); uploader.Refused(err) {
				return retry.Permanent(err)
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

// uploadMedia puts the files into the homeserver's media. What it refuses for
// good listeners still have from the gateway; the address that was reserved for
// it is given back, as is that of a show that no room can be told of any more.
func (c *conclusion) uploadMedia(ctx context.Context) error {
	show := c.entry.get()
	for i := range show.Tracks {
		t := &show.Tracks[i]
		if t.MXC != "" {
			continue
		}
		mxc, err := c.storeMedia(ctx, &show, i)
		if retry.IsPermanent(err) {
			if err := c.releaseMedia(ctx, i, t.Reserved); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		c.entry.update(func(s *store.Show) { s.Tracks[i].MXC, s.Tracks[i].Reserved = mxc, "" })
	}
	return nil
}

func (c *conclusion) storeMedia(ctx context.Context, show *store.Show, number int) (mxc string, err error) {
	file := c.tracks[number]
	if file.spool == nil {
		return "", retry.Permanent(errUnreadable)
	}
	if !show.CanBeTold() {
		return "", retry.Permanent(errors.New("no room lets the bot tell of it"))
	}
	return c.options.Media.Upload(ctx, &show.Tracks[number], file.path)
}

// releaseMedia gives a track's reserved address back.
func (c *conclusion) releaseMedia(ctx context.Context, number int, mxc string) error {
	if mxc == "" {
		return nil
	}
	if err := c.options.Media.Release(ctx, mxc); err != nil {
		return err
	}
	return c.entry.update(func(s *store.Show) { s.Tracks[number].Reserved = "" })
}

// postVoices answers every announcement with a voice message, if there is any
// sound to be heard.
func (c *conclusion) postVoices(ctx context.Context) error {
	main := c.tracks[0]
	return c.inEveryRoom(func(show *store.Show, a store.Announcement) (noteFunc, error) {
		if a.VoiceEvent != "" || show.Main().Duration == 0 {
			return nil, nil
		}
		if main.spool == nil {
			return nil, retry.Permanent(errUnreadable)
		}
		event, err := c.options.Announcer.PostVoice(ctx, show, a, main.path)
		return func(a *store.Announcement) { a.VoiceEvent = event }, err
	})
}

// removeSpools removes what everybody has, and only that: what could not be
// described, or is not complete at the gateway, stays as the only copy.
func (c *conclusion) removeSpools(context.Context) error {
	if c.outcome(described) != store.Done || c.outcome(copied) != store.Done {
		c.log.Error("the recording is kept", "spools", c.paths())
		return nil
	}
	// What is done already has to be known before the proof of it is gone.
	if err := c.entry.update(func(*store.Show) {}); err != nil {
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
