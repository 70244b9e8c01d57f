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
func (e *entry) updateRooms(ctx context.Context, announcer Announcer) error {
	return e.inEveryRoom(func(show *store.Show, a store.Announcement) (noteFunc, error) {
		revision := show.Revision()
		if a.Revision == revision {
			return nil, nil
		}
		var edit string
		var err error
		if a.Event == "" {
			a.Event, err = announcer.Announce(ctx, show, a.Room)
		}
		if err == nil {
			edit, err = announcer.Update(ctx, show, a)
		}
		return func(noted *store.Announcement) {
			noted.Event, noted.Revision, noted.Edits = a.Event, revision, strings.TrimSpace(a.Edits+" "+edit)
		}, err
	})
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
