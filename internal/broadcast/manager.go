package broadcast

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"broadcastbot/capture"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

// Options are what a Manager works with.
type Options struct {
	Store         *store.Store
	Announcer     Announcer
	Gateway       *uploader.Tus
	PublicURL     string // of the gateway, as listeners reach it
	SpoolDir      string
	DefaultSource string
	BlockDuration time.Duration
	// ResumeWithin is how long after a crash a show may still be written to:
	// one from a live source goes on, every other one gets its end.
	ResumeWithin time.Duration
	// OpenSource opens a source, as capture.Kinds does, with its options bound.
	OpenSource func(ctx context.Context, spec string) (capture.Source, error)
	// IsLive reports whether a source goes on after a restart, as capture.Kinds does.
	IsLive func(spec string) bool
	Log    *slog.Logger
}

// Manager starts and stops shows: at most one in a room.
type Manager struct {
	Options

	resumed chan struct{}   // closed when the last run's shows have their places
	life    context.Context // of what is still done for shows that are over
	endLife context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex
	sessions map[string]*Session // by room; nil while one is being prepared
	closing  bool
}

// NewManager starts nothing: see Run.
func NewManager(o Options) *Manager {
	life, endLife := context.WithCancel(context.Background())
	return &Manager{
		Options: o, resumed: make(chan struct{}),
		life: life, endLife: endLife,
		sessions: make(map[string]*Session),
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
	for _, s := range m.sessions {
		if s != nil {
			s.Stop()
		}
	}
}

// Start begins a show. Where one runs already it returns that one, and started
// is false. The show goes on after ctx has ended.
func (m *Manager) Start(ctx context.Context, r Request) (b store.Broadcast, started bool, err error) {
	running, err := m.claim(ctx, r.Room)
	if err != nil {
		return store.Broadcast{}, false, err
	}
	if running != nil {
		return running.Status().Broadcast, false, nil
	}
	var session *Session
	defer func() {
		if session == nil { // also when a panic is on its way
			m.vacate(r.Room)
			m.running.Done()
		}
	}()
	if session, err = m.prepare(ctx, r); err != nil {
		return store.Broadcast{}, false, err
	}
	m.occupy(session)
	go m.run(session)
	return session.Status().Broadcast, true, nil
}

// Why a start is refused without looking any further.
var (
	errStarting = errors.New("a show is just being started in this room")
	errShutdown = errors.New("the bot is shutting down, try again in a minute")
)

// claim takes the room's place for a new show, or returns the show that runs
// there. One that has ended, but whose end has not reached the room, is waited
// for.
func (m *Manager) claim(ctx context.Context, room string) (*Session, error) {
	select {
	case <-m.resumed:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	for {
		session, err := m.tryClaim(room)
		if err != nil || session == nil {
			return nil, err
		}
		select {
		case <-session.recorded:
		default:
			return session, nil
		}
		select {
		case <-session.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// tryClaim takes the room's place if it is free. Who has it counts as running.
func (m *Manager) tryClaim(room string) (*Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	session, taken := m.sessions[room]
	switch {
	case m.closing:
		return nil, errShutdown
	case taken && session == nil:
		return nil, errStarting
	case !taken:
		m.sessions[room] = nil
		m.running.Add(1)
	}
	return session, nil
}

// occupy puts a session into the place that was claimed for it.
func (m *Manager) occupy(s *Session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sessions[s.broadcast.Room] = s
	if m.closing {
		s.Stop()
	}
}

// vacate gives the room's place back.
func (m *Manager) vacate(room string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sessions, room)
}

// Stop ends the room's show and returns when the room has been told.
func (m *Manager) Stop(ctx context.Context, room string) (store.Broadcast, error) {
	session := m.session(room)
	if session == nil {
		return store.Broadcast{}, ErrNotLive
	}
	session.Stop()
	select {
	case <-session.done:
		return session.Status().Broadcast, nil
	case <-ctx.Done():
		return session.Status().Broadcast, context.Cause(ctx)
	}
}

// Status returns how the room's show stands, if there is one.
func (m *Manager) Status(room string) (Status, bool) {
	session := m.session(room)
	if session == nil {
		return Status{}, false
	}
	return session.Status(), true
}

func (m *Manager) session(room string) *Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sessions[room]
}

// spoolPath is where the growing file of a show is.
func (m *Manager) spoolPath(id string) string { return filepath.Join(m.SpoolDir, id+".mxc") }
