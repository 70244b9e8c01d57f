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
// its announcement, after asking for some minutes.
func (m *Manager) CheckAnnouncements(ctx context.Context, room string) {
	shows, err := m.Store.Shows(ctx, store.Filter{Room: room})
	if err != nil {
		m.Log.Warn("whether announcements were removed could not be looked up", "err", err)
	}
	err = retry.Do(ctx, retryCheck, func(ctx context.Context) (err error) {
		shows, err = m.deleteRemoved(ctx, shows)
		return err
	}, nil, nil)
	if err != nil && ctx.Err() == nil {
		m.Log.Warn("whether announcements were removed is not known: the next start asks again", "shows", len(shows), "err", err)
	}
}

// retryCheck is how often a homeserver is asked that does not answer, in five minutes or more.
var retryCheck = retry.Policy{First: time.Second, Max: time.Minute, Attempts: 14}

// deleteRemoved deletes those of the shows whose announcement was removed, and returns those of which
// that is not known, with the reasons.
func (m *Manager) deleteRemoved(ctx context.Context, shows []*store.Show) (unknown []*store.Show, err error) {
	var errs []error
	for _, show := range shows {
		if show.Stage == store.Deleting {
			continue
		}
		removed, err := m.isRemoved(ctx, show)
		switch {
		case removed:
			m.Delete(ctx, show.ID) // logs by itself
		case retry.IsPermanent(err):
			m.Log.Info("whether an announcement was removed cannot be known", "show", show.ID, "err", err)
		case err != nil:
			unknown, errs = append(unknown, show), append(errs, err)
		}
	}
	return unknown, errors.Join(errs...)
}

// isKnownRemoved is isRemoved, and false where nobody can say.
func (o *Options) isKnownRemoved(ctx context.Context, show *store.Show) bool {
	removed, err := o.isRemoved(ctx, show)
	if err != nil {
		o.Log.Info("whether an announcement was removed is not known", "show", show.ID, "err", err)
	}
	return removed
}

// isRemoved reports whether one of the rooms has removed the show's announcement. The error is why that
// is not known.
func (o *Options) isRemoved(ctx context.Context, show *store.Show) (bool, error) {
	var errs []error
	for _, a := range show.Announcements {
		if a.Event == "" || a.Closed {
			continue
		}
		removed, err := o.Announcer.IsRemoved(ctx, a)
		if removed {
			return true, nil
		}
		errs = append(errs, err)
	}
	return false, errors.Join(errs...)
}

// retryRemoved is at which intervals a homeserver is asked that has told of a redaction.
var retryRemoved = retry.Policy{First: 250 * time.Millisecond, Max: time.Minute}

// maxStillThere is how often it may answer that the announcement is still there: it may not have done
// the redaction yet. One that does not answer is asked until it does.
const maxStillThere = 6

// errNotRemoved passes, perhaps.
var errNotRemoved = errors.New("the homeserver still has the announcement")

// Redacted deletes the show that an event of a room announces, if the homeserver has removed that. A
// redaction that it has only passed on is none: not everybody who sends one may.
func (m *Manager) Redacted(ctx context.Context, room, event string) error {
	show, err := m.findRedacted(ctx, room, event)
	if err != nil {
		return err
	}
	if err := m.awaitRemoved(ctx, &show); err != nil {
		return err
	}
	return m.Delete(ctx, show.ID)
}

func (o *Options) awaitRemoved(ctx context.Context, show *store.Show) error {
	stillThere := 0
	return retry.Do(ctx, retryRemoved, func(ctx context.Context) error {
		removed, err := o.isRemoved(ctx, show)
		if removed || err != nil {
			return err
		}
		if stillThere++; stillThere == maxStillThere {
			return retry.Permanent(errNotRemoved)
		}
		return errNotRemoved
	}, retry.IsPermanent, nil)
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
