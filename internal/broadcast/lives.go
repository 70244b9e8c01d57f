package broadcast

import (
	"context"
	"errors"
	"sync"

	"broadcastbot/store"
)

// lives are the shows that this run works on, by their ids: from a show's start, or its coming back
// after a restart, until nothing is left to be done for it.
type lives struct {
	mu   sync.Mutex
	byID map[string]*life
}

// life is what this run does for one show.
type life struct {
	entry *entry
	ctx   context.Context // of session and conclusion; ends with errDeleted, or with the program
	end   context.CancelCauseFunc
	over  chan struct{} // closed when nobody works with the show's files any more

	deletion *conclusion // nil: the show is not being deleted; the lock of lives guards it
}

// errDeleted is why the life of a show ends that is being deleted.
var errDeleted = errors.New("the show is being deleted")

// begin gives a show its life, which ends with ctx at the latest.
func (ls *lives) begin(ctx context.Context, e *entry) *life {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return ls.beginLocked(ctx, e)
}

// beginLocked is called under the lock of lives.
func (ls *lives) beginLocked(ctx context.Context, e *entry) *life {
	l := &life{entry: e, over: make(chan struct{})}
	l.ctx, l.end = context.WithCancelCause(ctx)
	ls.byID[e.show.ID] = l
	return l
}

// finish tells that session and conclusion of a show are at their end. The show is forgotten here,
// unless it is still being deleted.
func (ls *lives) finish(l *life) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	close(l.over)
	l.end(nil)
	if l.deletion == nil {
		delete(ls.byID, l.entry.show.ID)
	}
}

// forget forgets a show that is deleted.
func (ls *lives) forget(l *life) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	delete(ls.byID, l.entry.show.ID)
}

// lifeOf returns the life of a show. One for which nothing was left to be done gets a new one, which
// is over. nil: there is no such show.
//
// A show in the store without a life is one that is just being started, or one that is concluded:
// it is read under the lock of lives, so that it is not one whose life ends meanwhile.
func (m *Manager) lifeOf(ctx context.Context, id string) (*life, error) {
	for {
		l, starting, err := m.lookUp(ctx, id)
		if starting == nil {
			return l, err
		}
		if err := await(ctx, starting.settled); err != nil {
			return nil, err
		}
	}
}

// lookUp returns the life of a show, or the place of one that is just being started.
func (m *Manager) lookUp(ctx context.Context, id string) (l *life, starting *place, err error) {
	m.lives.mu.Lock()
	defer m.lives.mu.Unlock()
	if l = m.lives.byID[id]; l != nil {
		return l, nil, nil
	}
	shows, err := m.Store.Shows(ctx, store.Filter{ID: id})
	if err != nil || len(shows) == 0 {
		return nil, nil, err
	}
	show := shows[0]
	if starting := m.places.starting(show.Announcements[0].Room); starting != nil && show.Stage != store.Concluded {
		return nil, starting, nil
	}
	l = m.lives.beginLocked(m.life, newEntry(&m.Options, show))
	close(l.over)
	return l, nil, nil
}
