package broadcast

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

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
	c := check{m, shows}
	backoff := retry.NewBackoff(retryCheck)
	err = backoff.Do(ctx, func(ctx context.Context) error {
		before := len(c.shows)
		err := c.deleteRemoved(ctx)
		if len(c.shows) < before {
			backoff.Reset()
		}
		return err
	}, nil, nil)
	if err != nil && ctx.Err() == nil {
		m.Log.Warn("whether announcements were removed is not known: the next start asks again", "shows", len(c.shows), "err", err)
	}
}

// check looks at announcements that may have been removed.
type check struct {
	manager *Manager
	shows   []*store.Show // whose announcements are still to be looked at
}

// retryCheck is how often a homeserver is asked that does not answer, in five minutes or more.
var retryCheck = retry.Policy{First: time.Second, Max: time.Minute, Attempts: 14}

// maxAsked is how many announcements the homeserver is asked for at once: there are as many as shows.
const maxAsked = 4

// errNotAsked means that the homeserver had not answered before.
var errNotAsked = errors.New("not asked")

// deleteRemoved deletes the shows whose announcement was removed. Where the homeserver does not answer,
// which is the error, it asks no further. What it leaves in shows are those of which nothing is known,
// the ones without an answer last.
func (c *check) deleteRemoved(ctx context.Context) error {
	answers := make([]error, len(c.shows))
	group, answering := errgroup.WithContext(ctx)
	group.SetLimit(maxAsked)
	for i, show := range c.shows {
		group.Go(func() error {
			if answering.Err() != nil && i > 0 { // the first one is: nobody behind it can keep it waiting for ever
				answers[i] = errNotAsked
				return nil
			}
			answers[i] = c.deleteIfRemoved(ctx, show)
			return answers[i]
		})
	}
	err := group.Wait()
	var notAsked, unanswered []*store.Show
	for i, show := range c.shows {
		switch answers[i] {
		case nil:
		case errNotAsked:
			notAsked = append(notAsked, show)
		default:
			unanswered = append(unanswered, show)
		}
	}
	c.shows = append(notAsked, unanswered...)
	return err
}

// deleteIfRemoved returns an error where the homeserver does not answer.
func (c *check) deleteIfRemoved(ctx context.Context, show *store.Show) error {
	if show.Stage == store.Deleting {
		return nil
	}
	removed, err := c.isRemoved(ctx, show)
	switch {
	case removed:
		c.manager.Delete(ctx, show.ID) // logs by itself
		return nil
	case retry.IsPermanent(err):
		c.manager.Log.Info("whether an announcement was removed cannot be known", "show", show.ID, "err", err)
		return nil
	default:
		return err
	}
}

// isRemoved asks when it is its turn: all checks together ask for few announcements at once.
func (c *check) isRemoved(ctx context.Context, show *store.Show) (bool, error) {
	asking := c.manager.asking
	select {
	case asking <- struct{}{}:
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	defer func() { <-asking }()
	return c.manager.isRemoved(ctx, show)
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
// is not known; it is permanent where asking again helps for none of them. Rooms that were closed are
// asked as well: they may have been opened since.
func (o *Options) isRemoved(ctx context.Context, show *store.Show) (bool, error) {
	var passing, permanent error
	for _, a := range show.Announcements {
		if a.Event == "" {
			continue
		}
		removed, err := o.Announcer.IsRemoved(ctx, a)
		switch {
		case removed:
			return true, nil
		case retry.IsPermanent(err):
			permanent = errors.Join(permanent, err)
		default:
			passing = errors.Join(passing, err)
		}
	}
	return false, cmp.Or(passing, permanent)
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
	show.Announcements = slices.DeleteFunc(show.Announcements, func(a store.Announcement) bool { return a.Room != room })
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
	if err := await(ctx, starting.settled); err != nil {
		return store.Show{}, err
	}
	return m.Find(ctx, room, event)
}
