package broadcast

import (
	"context"
	"errors"
	"time"

	"broadcastbot/internal/retry"
	"broadcastbot/store"
)

// CheckAnnouncements deletes the shows of a room, or of all rooms where room is "", whose announcement
// was removed while the bot was not there to see it. A show stays where nobody can say what became of
// its announcement.
func (m *Manager) CheckAnnouncements(ctx context.Context, room string) {
	shows, err := m.Store.Shows(ctx, store.Filter{Room: room})
	if err != nil {
		m.Log.Warn("whether announcements were removed could not be looked up", "err", err)
	}
	for _, show := range shows {
		if show.Stage != store.Deleting && m.isRemoved(ctx, show) {
			m.Delete(ctx, show.ID) // logs by itself
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// isRemoved reports whether one of the rooms has removed the show's announcement.
func (o *Options) isRemoved(ctx context.Context, show *store.Show) bool {
	for _, a := range show.Announcements {
		if a.Event == "" || a.Closed {
			continue
		}
		removed, err := o.Announcer.IsRemoved(ctx, a)
		if err != nil {
			o.Log.Info("whether an announcement was removed is not known", "show", show.ID, "room", a.Room, "err", err)
		}
		if removed {
			return true
		}
	}
	return false
}

// retryRemoved is how often a homeserver is asked that has told of a redaction, but may not have done
// it yet.
var retryRemoved = retry.Policy{First: 250 * time.Millisecond, Max: 4 * time.Second, Attempts: 6}

// errNotRemoved passes, perhaps.
var errNotRemoved = errors.New("the homeserver still has the announcement")

// Redacted deletes the show that an event of a room announces, if the homeserver has removed that. A
// redaction that it has only passed on is none: not everybody who sends one may.
func (m *Manager) Redacted(ctx context.Context, room, event string) error {
	show, err := m.findRedacted(ctx, room, event)
	if err != nil {
		return err
	}
	err = retry.Do(ctx, retryRemoved, func(ctx context.Context) error {
		if !m.isRemoved(ctx, &show) {
			return errNotRemoved
		}
		return nil
	}, nil, nil)
	if err != nil {
		return err
	}
	return m.Delete(ctx, show.ID)
}

// findRedacted returns the show that an event of a room announces. One that is just being started is
// waited for: it may be the one, although its record does not say so yet.
func (m *Manager) findRedacted(ctx context.Context, room, event string) (store.Show, error) {
	starting := m.places.starting(room)
	show, err := m.Find(ctx, room, event)
	if starting == nil || !errors.Is(err, ErrNoShow) {
		return show, err
	}
	select {
	case <-starting.settled:
		return m.Find(ctx, room, event)
	case <-ctx.Done():
		return store.Show{}, context.Cause(ctx)
	}
}
