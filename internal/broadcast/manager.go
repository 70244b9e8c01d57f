package broadcast

import (
	"context"
	"errors"
	"slices"
	"time"

	"broadcastbot/store"
)

// Manager starts and stops shows: at most one in a room. It has a method for each thing that can be
// asked of it.
type Manager struct {
	Options
	places places
	lives  lives
	asking chan struct{} // a semaphore: how many announcements are asked for at once

	resumed chan struct{}   // closed when the last run's shows have their places
	life    context.Context // of what is still done for shows that are over
	endLife context.CancelFunc
}

// NewManager starts nothing: see Run.
func NewManager(o Options) *Manager {
	m := &Manager{
		Options: o, places: places{byRoom: make(map[string]*place)}, lives: lives{byID: make(map[string]*life)},
		asking: make(chan struct{}, maxAsked), resumed: make(chan struct{}),
	}
	m.life, m.endLife = context.WithCancel(context.Background())
	return m
}

// shutdownGrace is how long shows may take to end when the program does: to
// upload what is left and to tell their rooms. The next start does the rest.
const shutdownGrace = 45 * time.Second

// Run repairs what the last run left open, then waits for ctx to end, and ends
// all shows in order before it returns. It does nothing before the announcer is
// ready, and nothing at all if that never is.
func (m *Manager) Run(ctx context.Context) error {
	defer m.endLife()
	if m.Announcer.Ready(ctx) != nil {
		return nil // whoever should have been ready says why
	}
	err := m.resume(ctx)
	switch {
	case err == nil:
		m.places.running.Add(1) // for the check: who waits for all that runs waits for what it finds, too
		close(m.resumed)
		m.CheckAnnouncements(ctx, "") // which may take its time
		m.places.running.Done()
		<-ctx.Done()
	case ctx.Err() != nil: // the end came while it looked
		err = nil
	}
	m.places.close()
	giveUp := time.AfterFunc(shutdownGrace, m.endLife)
	defer giveUp.Stop()
	m.places.running.Wait()
	return err
}

// awaitResumed returns when the shows of the last run have their places.
func (m *Manager) awaitResumed(ctx context.Context) error {
	err := await(ctx, m.resumed)
	if isClosed(m.resumed) { // before ctx ended, perhaps
		return nil
	}
	return err
}

// Why a start is refused without looking any further.
var (
	errStarting = errors.New("a show is just being started in this room")
	errShutdown = errors.New("the bot is shutting down, try again in a minute")
)

// Start begins a show. Where one runs already it returns that one, and started
// is false. The show goes on after ctx has ended.
func (m *Manager) Start(ctx context.Context, r Request) (show store.Show, started bool, err error) {
	p, running, err := m.claim(ctx, r.Rooms)
	if err != nil {
		return store.Show{}, false, err
	}
	if running != nil {
		return running.entry.get(), false, nil
	}
	var session *Session
	defer func() {
		if session == nil { // also when a panic is on its way
			m.places.vacate(p)
			m.places.running.Done()
		}
	}()
	if session, err = prepare(ctx, &m.Options, r); session == nil {
		return store.Show{}, false, err
	}
	l := m.lives.begin(m.life, session.entry) // before the place is settled: see lookUp
	m.places.occupy(p, session)
	go func() {
		defer m.places.running.Done()
		m.run(l, session, p)
	}()
	return session.entry.get(), err == nil, err
}

// run is the life of a show after its announcement. Its places are free as soon
// as it is recorded; what is then still to be done goes on beside the next show.
func (m *Manager) run(l *life, s *Session, p *place) {
	defer m.lives.finish(l)
	s.record(l.ctx)
	m.places.vacate(p)
	close(s.ended)
	newConclusion(m, l, s.tracks).run(l.ctx)
}

// claim takes the rooms' places for a new show, or returns a show that runs in
// one of them. One that is about to end is waited for, and one that comes back after a restart.
func (m *Manager) claim(ctx context.Context, rooms []string) (*place, *Session, error) {
	if err := m.awaitResumed(ctx); err != nil {
		return nil, nil, err
	}
	for {
		p, free, err := m.places.claim(rooms, nil)
		switch {
		case err != nil || free:
			return p, nil, err
		case p.isLive() && !p.session.stopping():
			return nil, p.session, nil
		case !p.isLive() && p.left == nil:
			return nil, nil, errStarting
		}
		over := p.settled // of one that comes back after a restart
		if p.isLive() {
			over = p.session.ended
		}
		if err := await(ctx, over); err != nil {
			return nil, nil, err
		}
	}
}

// Stop ends the room's show and returns when all of it is recorded. The rooms
// are told, and everything else that belongs to the end is done, by itself. A
// show that is just starting ends as soon as it is on air.
func (m *Manager) Stop(ctx context.Context, room string) (store.Show, error) {
	if err := m.awaitResumed(ctx); err != nil {
		return store.Show{}, err
	}
	return m.end(ctx, m.places.of(room))
}

// end ends a place's show, even if ctx has ended: it must not stay on air. p may be nil.
func (m *Manager) end(ctx context.Context, p *place) (store.Show, error) {
	m.places.stop(p)
	if err := p.awaitSettled(ctx); err != nil {
		return store.Show{}, err
	}
	return p.session.stopAndWait(ctx)
}

// StopIf is Stop for a show of which isMeant is true. A new one that is just starting is waited
// for; one that comes back after a restart ends before it is on air again. The error is ErrNotLive
// where there is no such show.
func (m *Manager) StopIf(ctx context.Context, room string, isMeant func(*store.Show) bool) (store.Show, error) {
	if err := m.awaitResumed(ctx); err != nil {
		return store.Show{}, err
	}
	p := m.places.of(room)
	show, err := p.show(ctx)
	if err != nil {
		return store.Show{}, err
	}
	if !isMeant(&show) {
		return store.Show{}, ErrNotLive
	}
	return m.end(ctx, p)
}

// OnAir returns how all shows stand that are on air or coming back, the oldest first.
func (m *Manager) OnAir() (all []Status) {
	for _, p := range m.places.all() {
		if status, ok := p.status(); ok {
			all = append(all, status)
		}
	}
	slices.SortFunc(all, func(a, b Status) int { return a.Show.StartedAt.Compare(b.Show.StartedAt) })
	return all
}

// Status returns how the room's show stands, if there is one. A new one that is just starting does
// not count yet.
func (m *Manager) Status(room string) (Status, bool) { return m.places.of(room).status() }
