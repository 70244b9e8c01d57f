package broadcast

import (
	"context"
	"errors"
	"sync"
	"time"

	"broadcastbot/store"
)

// Manager gives shows their places in rooms: at most one in a room.
type Manager struct {
	Options

	resumed chan struct{}   // closed when the last run's shows have their places
	life    context.Context // of what is still done for shows that are over
	endLife context.CancelFunc
	running sync.WaitGroup // shows, until nothing more can be done for them

	mu      sync.Mutex
	places  map[string]place // by room
	closing bool
}

// place is what a room has on air.
type place struct {
	stage   store.Stage // Starting or Live
	session *Session    // of a show that is live
}

// NewManager starts nothing: see Run.
func NewManager(o Options) *Manager {
	life, endLife := context.WithCancel(context.Background())
	return &Manager{
		Options: o, resumed: make(chan struct{}),
		life: life, endLife: endLife,
		places: make(map[string]place),
	}
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
	if err == nil {
		close(m.resumed)
		<-ctx.Done()
	}
	m.stopAll()
	giveUp := time.AfterFunc(shutdownGrace, m.endLife)
	defer giveUp.Stop()
	m.running.Wait()
	return err
}

func (m *Manager) stopAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closing = true
	for _, p := range m.places {
		if p.stage == store.Live {
			p.session.Stop()
		}
	}
}

// Why a start is refused without looking any further.
var (
	errStarting = errors.New("a show is just being started in this room")
	errShutdown = errors.New("the bot is shutting down, try again in a minute")
)

// Start begins a show. Where one runs already it returns that one, and started
// is false. The show goes on after ctx has ended.
func (m *Manager) Start(ctx context.Context, r Request) (show store.Show, started bool, err error) {
	running, err := m.claim(ctx, r.Rooms)
	if err != nil {
		return store.Show{}, false, err
	}
	if running != nil {
		return running.entry.get(), false, nil
	}
	var session *Session
	defer func() {
		if session == nil { // also when a panic is on its way
			m.vacate(r.Rooms)
			m.running.Done()
		}
	}()
	if session, err = prepare(ctx, &m.Options, r); err != nil {
		return store.Show{}, false, err
	}
	m.occupy(r.Rooms, session)
	go func() {
		defer m.running.Done()
		m.run(session, r.Rooms)
	}()
	return session.entry.get(), true, nil
}

// run is the life of a show after its announcement. Its places are free as soon
// as it is recorded; what is then still to be done goes on beside the next show.
func (m *Manager) run(s *Session, rooms []string) {
	s.record(m.life)
	m.vacate(rooms)
	close(s.ended)
	newConclusion(s.options, s.entry, s.tracks).run(m.life)
}

// claim takes the rooms' places for a new show, or returns a show that runs in
// one of them. One that is about to end is waited for.
func (m *Manager) claim(ctx context.Context, rooms []string) (*Session, error) {
	select {
	case <-m.resumed:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	for {
		taken, err := m.tryClaim(rooms)
		switch {
		case err != nil:
			return nil, err
		case taken.stage == store.Starting:
			return nil, errStarting
		case taken.stage == "" || !taken.session.stopping():
			return taken.session, nil
		}
		select {
		case <-taken.session.ended:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// tryClaim takes all places if they are free, and otherwise none: then it returns
// one that is taken. The show whose places they are counts as running.
func (m *Manager) tryClaim(rooms []string) (taken place, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closing {
		return place{}, errShutdown
	}
	for _, room := range rooms {
		if p, ok := m.places[room]; ok {
			return p, nil
		}
	}
	for _, room := range rooms {
		m.places[room] = place{stage: store.Starting}
	}
	m.running.Add(1)
	return place{}, nil
}

// occupy puts a session into the places that were claimed for it.
func (m *Manager) occupy(rooms []string, s *Session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, room := range rooms {
		m.places[room] = place{stage: store.Live, session: s}
	}
	if m.closing {
		s.Stop()
	}
}

// vacate gives places back.
func (m *Manager) vacate(rooms []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, room := range rooms {
		delete(m.places, room)
	}
}

// Stop ends the room's show and returns when all of it is recorded. The rooms
// are told, and everything else that belongs to the end is done, by itself.
func (m *Manager) Stop(ctx context.Context, room string) (store.Show, error) {
	session, live := m.session(room)
	if !live {
		return store.Show{}, ErrNotLive
	}
	session.Stop()
	select {
	case <-session.ended:
		return session.entry.get(), nil
	case <-ctx.Done():
		return session.entry.get(), context.Cause(ctx)
	}
}

// Status returns how the room's show stands, if there is one.
func (m *Manager) Status(room string) (Status, bool) {
	session, live := m.session(room)
	if !live {
		return Status{}, false
	}
	return session.Status(), true
}

func (m *Manager) session(room string) (s *Session, live bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.places[room]
	return p.session, p.stage == store.Live
}
