package studioline

import (
	"context"
	"encoding/base64"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"

	"broadcastbot/internal/retry"
	"broadcastbot/store"
)

const (
	helloTimeout = 10 * time.Second
	// guessDelay is how long a wrong secret waits for its answer.
	guessDelay = time.Second
	// maxPending is how many lines may be there that have not said whose they are.
	maxPending = 100
)

// pendingLines are those that have not said whose they are. When there are too many, the oldest has to go:
// a page says it at once, so nobody who comes in great numbers keeps others out.
type pendingLines struct {
	mu    sync.Mutex
	lines []*pendingLine
}

type pendingLine struct{ leave context.CancelFunc }

// enter lets a line in until it leaves, or has to.
func (l *pendingLines) enter(cancel context.CancelFunc) *pendingLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	newest := &pendingLine{cancel}
	l.lines = append(l.lines, newest)
	if len(l.lines) > maxPending {
		l.lines[0].leave()
		l.lines = l.lines[1:]
	}
	return newest
}

func (l *pendingLines) left(gone *pendingLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = slices.DeleteFunc(l.lines, func(other *pendingLine) bool { return other == gone })
}

// empty sends all away.
func (l *pendingLines) empty() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, pending := range l.lines {
		pending.leave()
	}
}

// converse speaks with a page until its line is broken.
func (s *Studio) converse(ctx context.Context, cancel context.CancelFunc, conn *websocket.Conn) {
	l := newLine(s, conn)
	if !s.greet(ctx, cancel, l) {
		return
	}
	defer l.detach()
	s.Log.Info("a studio page has a line", "source", l.pass.spec)
	var writing sync.WaitGroup
	writing.Go(func() {
		defer cancel() // and so of reading
		l.write(ctx)
	})
	l.read(ctx)
	cancel()
	writing.Wait()
	s.Log.Info("the line of a studio page is broken", "source", l.pass.spec)
}

// greet finds out whose line it is. It reports whether the line has a pass now.
func (s *Studio) greet(ctx context.Context, cancel context.CancelFunc, l *line) bool {
	pending := s.pending.enter(cancel)
	defer s.pending.left(pending)
	pass, err := s.identify(ctx, l)
	switch {
	case err != nil:
		s.Log.Debug("a studio page did not say whose it is", "err", err)
		l.conn.Close(websocket.StatusTryAgainLater, "")
		return false
	case pass == nil:
		s.turnAway(ctx, l, invalid)
		return false
	}
	s.pending.left(pending) // it has said it: what is asked about it may take a while
	if !s.mayKnow(ctx, pass) {
		s.turnAway(ctx, l, notMember)
		return false
	}
	if !s.attach(l, pass, s.nameOf(ctx, pass.Room)) {
		l.conn.Close(websocket.StatusTryAgainLater, "The station has just been started, and opens the show again.")
		return false
	}
	return true
}

// nameTimeout is how long a page waits for what the homeserver knows of its room: one that does not answer
// must not keep a speaker from the show.
const nameTimeout = 2 * time.Second

const notMember = "You are not in the room any more that this link is for, or the station is not."

// mayKnow reports whether a pass's speaker may be told what the room is called. Who has left it may not.
func (s *Studio) mayKnow(ctx context.Context, pass *store.Pass) bool {
	ctx, cancel := context.WithTimeout(ctx, nameTimeout)
	defer cancel()
	_, present, err := s.Member(ctx, pass.Room, pass.Speaker)
	return present || err != nil
}

// nameOf returns what a room is called, or was called before.
func (s *Studio) nameOf(ctx context.Context, room string) string {
	ctx, cancel := context.WithTimeout(ctx, nameTimeout)
	defer cancel()
	name := s.RoomName(ctx, room)
	if before, known := s.names.Load(room); known && name == room { // nobody could be asked
		return before.(string)
	}
	s.names.Store(room, name)
	return name
}

// identify returns the pass that a page has; nil: none.
func (s *Studio) identify(ctx context.Context, l *line) (*store.Pass, error) {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	kind, data, err := l.conn.Read(ctx)
	if err != nil {
		return nil, err
	}
	r, err := parseRequest(data)
	if err != nil || kind != websocket.MessageText || r.Type != "hello" {
		return nil, nil
	}
	secret, err := base64.RawURLEncoding.DecodeString(r.Secret)
	if err != nil || len(secret) != secretSize || r.Generation < 0 || r.Generation > maxGeneration {
		return nil, nil
	}
	l.generation = r.Generation
	return s.Passes.Find(ctx, hashOf(secret))
}

// turnAway refuses a line, after a while: guesses are slow.
func (s *Studio) turnAway(ctx context.Context, l *line, reason string) {
	if retry.Sleep(ctx, guessDelay) != nil {
		return
	}
	l.refuse(closeFinal, reason)
	l.write(ctx)
}
