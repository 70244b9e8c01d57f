package broadcast

import (
	"context"
	"slices"
	"sync"

	"broadcastbot/store"
)

// places are the rooms' places for shows: one in each room.
type places struct {
	running sync.WaitGroup // shows, until nothing more can be done for them

	mu     sync.Mutex
	byRoom map[string]*place
	closed bool
}

// place is what a show has in its rooms, the same one in all of them.
type place struct {
	rooms   []string
	settled chan struct{} // closed when the show is live, or when it is clear that it never will be
	session *Session      // of a show that is live; valid after settled
	left    *entry        // of a show that the last run left, and that may go on; nil: it is a new one
	stopped chan struct{} // closed when somebody has stopped the show; the lock of places guards that
}

// isLive reports whether the show is on air.
func (p *place) isLive() bool { return isClosed(p.settled) && p.session != nil }

// status returns how the show of a place stands. Of a new one that is just starting, and where there is
// no place, ok is false.
func (p *place) status() (status Status, ok bool) {
	switch {
	case p == nil:
		return Status{}, false
	case p.isLive():
		return p.session.Status(), true
	case p.left != nil:
		return Status{Show: p.left.get(), Returning: true}, true
	default:
		return Status{}, false
	}
}

// awaitSettled returns nil when there is a show on air, and ErrNotLive where there is none. One that
// is just starting is waited for. p may be nil.
func (p *place) awaitSettled(ctx context.Context) error {
	if p == nil {
		return ErrNotLive
	}
	if err := await(ctx, p.settled); err != nil {
		return err
	}
	if p.session == nil {
		return ErrNotLive
	}
	return nil
}

// show returns the record of the place's show. That of a new one is waited for; of one that comes back
// it is known at once. Where there is no show, the error is ErrNotLive. p may be nil.
func (p *place) show(ctx context.Context) (store.Show, error) {
	if p != nil && p.left != nil {
		return p.left.get(), nil
	}
	if err := p.awaitSettled(ctx); err != nil {
		return store.Show{}, err
	}
	return p.session.entry.get(), nil
}

// isStopped reports whether somebody has stopped the show, perhaps before it is on air.
func (p *place) isStopped() bool { return isClosed(p.stopped) }

// claim gives a new show its place if all the rooms are free; otherwise free is
// false, and it returns a place that one of them has. The show counts as running
// from then on. left is the record of one that comes back; nil: it is a new one.
func (ps *places) claim(rooms []string, left *entry) (p *place, free bool, err error) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.closed {
		return nil, false, errShutdown
	}
	for _, room := range rooms {
		if taken, ok := ps.byRoom[room]; ok {
			return taken, false, nil
		}
	}
	p = &place{rooms: rooms, left: left, settled: make(chan struct{}), stopped: make(chan struct{})}
	for _, room := range rooms {
		ps.byRoom[room] = p
	}
	ps.running.Add(1)
	return p, true, nil
}

// occupy puts a session into the place that was claimed for it. Rooms that do not
// know of the show get theirs back.
func (ps *places) occupy(p *place, s *Session) {
	if p == nil {
		return
	}
	show := s.entry.get()
	told := show.AnnouncedIn()
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, room := range p.rooms {
		if !slices.Contains(told, room) {
			delete(ps.byRoom, room)
		}
	}
	p.session = s
	close(p.settled)
	if p.isStopped() || ps.closed {
		s.Stop()
	}
}

// vacate gives a place back.
func (ps *places) vacate(p *place) {
	if p == nil {
		return
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, room := range p.rooms {
		if ps.byRoom[room] == p {
			delete(ps.byRoom, room)
		}
	}
	if p.session == nil {
		close(p.settled)
	}
}

// of returns what the room has on air, or is about to have; nil: nothing.
func (ps *places) of(room string) *place {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.byRoom[room]
}

// all returns the places of all rooms, each once.
func (ps *places) all() (all []*place) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.byRoom {
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

// starting returns the place of a show that is just being started in the room; nil: there is none.
func (ps *places) starting(room string) *place {
	if p := ps.of(room); p != nil && !isClosed(p.settled) {
		return p
	}
	return nil
}

// enter counts what is done for a show that has no place as running, unless the program shuts down.
func (ps *places) enter() bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if !ps.closed {
		ps.running.Add(1)
	}
	return !ps.closed
}

// stop stops a place's show, at once or as soon as it is on air. p may be nil.
func (ps *places) stop(p *place) {
	if p == nil {
		return
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p.stopLocked()
}

// close stops all shows, and lets no new one begin.
func (ps *places) close() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.closed = true
	for _, p := range ps.byRoom {
		p.stopLocked()
	}
}

// stopLocked is called under the lock of places.
func (p *place) stopLocked() {
	if !p.isStopped() {
		close(p.stopped)
	}
	if p.session != nil {
		p.session.Stop()
	}
}
