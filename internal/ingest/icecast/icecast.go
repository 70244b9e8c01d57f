// Package icecast takes what broadcasting programs push: the source protocol of Icecast 2, as BUTT,
// Mixxx, liquidsoap, darkice, ezstream and ffmpeg speak it.
//
//	exchange.go  one request, and its connection, which is taken over from HTTP: bodies have no length
//	head.go      the same on a port of its own, for what HTTP servers refuse
//	push.go      PUT, SOURCE and POST: a stream comes
//	guard.go     whoever guesses passwords is slowed
//	refusal.go   why a program is not let in again
//	line.go      a mount's line: its connections, one after the other
//	source.go    what a show reads of it; the row of the table of kinds
//	stats.go     the listener count, and what is playing
package icecast

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/retry"
	"broadcastbot/store"
)

// Mounts are where speakers may push to; see store.Mounts.
type Mounts interface {
	// Authorize returns the mount with this id. With a wrong password, or without such a mount, the
	// error is store.ErrWrongPassword.
	Authorize(ctx context.Context, mount, password string) (store.Mount, error)
	// Mount returns the speaker's mount for a room, or store.ErrNoMount.
	Mount(ctx context.Context, room, speaker string) (store.Mount, error)
}

// Stage is where shows are started for people who are not in the room. Errors are sentences for them.
type Stage interface {
	StartFor(ctx context.Context, by capture.Asker, source, title string) (store.Show, error)
}

// Options say how programs are treated.
type Options struct {
	Mounts Mounts
	Stage  Stage
	// Direct writes to a user what nobody else can read.
	Direct func(ctx context.Context, user, text string) error
	// Listeners returns how many listen to the show that a room has from a source, and false where that
	// is not known.
	Listeners func(room, source string) (count int, known bool)
	// Auto puts a program on air when it connects, until it disconnects. Otherwise its speaker says so
	// in the room.
	Auto  bool
	Grace time.Duration // how long a line may be broken before its show ends
	Log   *slog.Logger  // nil discards
}

// Server takes what programs push.
type Server struct {
	Options
	guard    *guard
	lines    *lines
	refusals *refusals
	life     context.Context // of everything that runs
	close    context.CancelFunc

	mu        sync.Mutex
	exchanges map[*exchange]struct{} // that run
	running   sync.WaitGroup
}

// New returns a server. It starts nothing.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		Options: o, guard: newGuard(), refusals: &refusals{byMount: make(map[string]refusal)},
		lines:     &lines{auto: o.Auto, grace: o.Grace, log: o.Log, byMount: make(map[string]*line), held: make(map[string]time.Time)},
		exchanges: make(map[*exchange]struct{}),
	}
	s.lines.stopped = s.tellOfHold
	s.life, s.close = context.WithCancel(context.Background())
	return s
}

// Prefix is what all paths begin with where the server shares a port with others. On a port of its own
// it may be left out.
const Prefix = "/icecast"

// Handler serves programs on a port that is shared with others. It takes their connections over, so
// http.Server.Shutdown does not know of them: call Close as well.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, "Programs are served over HTTP/1 only.", http.StatusHTTPVersionNotSupported)
			return
		}
		s.serve(newExchange(conn, buffered.Reader, r))
	})
}

// Serve serves programs on a port of its own until ctx ends.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	defer s.Close()
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil { // such as too many open files
			s.Log.Warn("a program's connection was not accepted", "err", err)
			retry.Sleep(ctx, time.Second)
			continue
		}
		if !s.begin(nil) {
			conn.Close()
			return nil
		}
		go func() {
			defer s.running.Done()
			s.welcome(conn)
		}()
	}
}

// welcome serves a connection to a port of our own.
func (s *Server) welcome(conn net.Conn) {
	cutOff := context.AfterFunc(s.life, func() { conn.Close() })
	x := readHead(conn)
	cutOff()
	if x != nil {
		s.serve(x)
	}
}

// Close cuts all programs off, refuses those that come later, and returns when the last one has left.
func (s *Server) Close() error {
	s.mu.Lock()
	s.close()
	for x := range s.exchanges {
		x.conn.Close()
	}
	s.mu.Unlock()
	s.lines.endAll()
	s.running.Wait()
	return nil
}

// serve answers one request and closes its connection.
func (s *Server) serve(x *exchange) {
	defer x.close()
	if !s.begin(x) {
		return
	}
	defer s.exit(x)
	switch x.request.Method {
	case "PUT", "SOURCE", "POST":
		s.push(x)
	case "GET":
		s.inform(x)
	default:
		x.answer(http.StatusMethodNotAllowed, "Programs push with PUT or SOURCE", "Allow: PUT, SOURCE, POST, GET")
	}
}

// begin reports whether the server is still open. Then it waits for what is begun: an exchange, or, with
// nil, a connection on which none has come yet.
func (s *Server) begin(x *exchange) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.Err() != nil {
		return false
	}
	s.running.Add(1)
	if x != nil {
		s.exchanges[x] = struct{}{}
	}
	return true
}

func (s *Server) exit(x *exchange) {
	s.mu.Lock()
	delete(s.exchanges, x)
	s.mu.Unlock()
	s.running.Done()
}

// CutOff ends all lines of a speaker to a room, and their shows: the mounts are no more.
func (s *Server) CutOff(room, speaker string) { s.lines.cutOff(room, speaker) }
