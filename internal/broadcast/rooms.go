package broadcast

import (
	"context"
	"errors"
	"strings"
	"sync"

	"broadcastbot/internal/retry"
	"broadcastbot/store"
)

// noteFunc notes in the record what was done in a room.
type noteFunc = func(*store.Announcement)

// inEveryRoom does something in each room that is not closed, in all of them at
// once, and has it noted where it worked. A room that turns out to be closed is
// noted as that, and is no error.
func (e *entry) inEveryRoom(do func(*store.Show, store.Announcement) (noteFunc, error)) error {
	show := e.get()
	errs := make([]error, len(show.Announcements))
	var rooms sync.WaitGroup
	for i, a := range show.Announcements {
		if a.Closed {
			continue
		}
		rooms.Go(func() {
			note, err := do(&show, a)
			if errors.Is(err, ErrRoomClosed) {
				e.log.Warn("a room is closed to the bot", "room", a.Room, "err", err)
				note, err = func(a *store.Announcement) { a.Closed = true }, nil
			}
			if errs[i] = err; err == nil && note != nil {
				e.update(func(s *store.Show) { note(&s.Announcements[i]) })
			}
		})
	}
	rooms.Wait()
	return joinErrors(errs)
}

// updateRooms brings every announcement up to date. One that was never posted, or
// whose answer was lost, is posted first.
func (c *conclusion) updateRooms(ctx context.Context) error {
	announcer := c.options.Announcer
	return c.entry.inEveryRoom(func(show *store.Show, a store.Announcement) (noteFunc, error) {
		revision := show.Revision()
		if a.Revision == revision {
			return nil, nil
		}
		if a.Event == "" {
			event, err := announcer.Announce(ctx, show, a.Room)
			if err != nil {
				return nil, err
			}
			a.Event = event
			c.entry.noteAnnounced(a)
		}
		if err := c.checkAnnounced(ctx, a); err != nil {
			return nil, err
		}
		edit, err := announcer.Update(ctx, show, a)
		return func(noted *store.Announcement) {
			noted.Revision, noted.Edits = revision, strings.TrimSpace(a.Edits+" "+edit)
		}, err
	})
}

// noteAnnounced notes which event announces the show in a room, so that its removal is understood.
func (e *entry) noteAnnounced(a store.Announcement) {
	e.update(func(show *store.Show) {
		for i := range show.Announcements {
			if show.Announcements[i].Room == a.Room {
				show.Announcements[i].Event = a.Event
			}
		}
	})
}

// checkAnnounced returns nil if the room may be told more of the show. Where it has removed the
// announcement, of which the bot may not have heard, the show is deleted.
func (c *conclusion) checkAnnounced(ctx context.Context, a store.Announcement) error {
	removed, err := c.options.Announcer.IsRemoved(ctx, a)
	switch {
	case removed:
		c.onGone()
		return errDeleted
	case retry.IsPermanent(err): // nobody can say; the room will, if it is closed
		return nil
	default:
		return err
	}
}

// joinErrors joins errors of things that are done side by side. One of them that
// is permanent makes all permanent.
func joinErrors(errs []error) error {
	for _, err := range errs {
		if retry.IsPermanent(err) {
			return retry.Permanent(errors.Join(errs...))
		}
	}
	return errors.Join(errs...)
}
