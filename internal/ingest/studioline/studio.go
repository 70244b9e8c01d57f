// Package studioline is the station's side of the studio page: who may open it, and the line over which
// it brings a speaker's voice, packet by packet, none lost and none twice. docs/studio-line.md describes
// what is said over a line.
//
//	studio.go    the HTTP handler, and the kind of sources
//	pass.go      links to the page
//	hello.go     whose line it is
//	line.go      one line: what comes and what goes
//	active.go    what belongs to a pass: its newest line, and how its show stands
//	source.go    the source of the show, which outlives lines
//	pace.go      whether sound comes as it is spoken
//	messages.go  the bytes
package studioline

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"broadcastbot/capture"
	"broadcastbot/internal/opus"
	"broadcastbot/store"
)

// Options are what a studio works with.
type Options struct {
	PublicURL string              // where speakers reach the station; the page is below it, at /studio/
	Encoder   opus.EncoderOptions // what pages are told to encode with
	Grace     time.Duration       // how long a speaker may be away before the show ends
	Passes    Passes
	Stage     Stage
	// Direct writes to a user what nobody else can read.
	Direct func(ctx context.Context, user, text string) error
	// Member tells whether somebody is in a room, and how much power they have there.
	Member func(ctx context.Context, room, user string) (power int, present bool, err error)
	// RoomName returns what a room is called; its id where that is not known.
	RoomName func(ctx context.Context, room string) string
	// Listeners returns how many listen to a show now, and false where that is not known.
	Listeners func(show string) (count int, known bool)
	Log       *slog.Logger // nil discards
}

// Passes remembers who may go on air with which secret; see store.Passes.
type Passes interface {
	Add(ctx context.Context, p *store.Pass, hash string) error
	Find(ctx context.Context, hash string) (*store.Pass, error)
	Use(ctx context.Context, source string) (bool, error)
	Free(ctx context.Context, source string) error
	End(ctx context.Context, source string) error
}

// Stage is where shows are started for people who are not in the room. Errors are sentences for them.
type Stage interface {
	// StartFor begins a show if whoever asks may go on air in the room at this moment. If the same source
	// is on air already, it returns that show.
	StartFor(ctx context.Context, by capture.Asker, source, title string) (store.Show, error)
}

// Studio is the station's side of the studio page: it hands out links to the page, speaks with the pages
// over their lines, and has a kind of sources that yield what the lines bring.
type Studio struct {
	Options
	pending pendingLines
	names   sync.Map        // of rooms, by their ids
	life    context.Context // of lines and starts
	endLife context.CancelFunc
	running sync.WaitGroup // lines and starts

	mu     sync.Mutex             // guards the passes and their sources, too
	active map[string]*activePass // by the source of the pass
	over   bool                   // no line is taken any more
}

// New starts nothing.
func New(o Options) *Studio {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	s := &Studio{Options: o, active: make(map[string]*activePass)}
	s.life, s.endLife = context.WithCancel(context.Background())
	return s
}

// Kind is the kind of a studio's sources, as far as it is the same for all.
var Kind = capture.Kind{
	Name: "studio", Aliases: []string{"browser"}, Live: true, Alone: true,
	Examples: []string{"studio"}, Help: "your own microphone, on a page to which you get a link",
}

// Kind is the kind of this studio's sources.
func (s *Studio) Kind() capture.Kind {
	kind := Kind
	kind.Late, kind.Open, kind.Grant, kind.Invite = s.Grace, s.open, grantNone, s.invite
	return kind
}

// ServeHTTP takes a page's line: a WebSocket. It returns when the line is broken.
func (s *Studio) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if !s.isOwnOrigin(r) {
		http.Error(w, "The studio's line is for the studio's own page.", http.StatusForbidden)
		return
	}
	// The origin has been looked at.
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{Protocol}, InsecureSkipVerify: true})
	if err != nil {
		return // and has been answered
	}
	defer conn.CloseNow()
	if conn.Subprotocol() != Protocol {
		conn.Close(websocket.StatusPolicyViolation, "This station speaks "+Protocol+".")
		return
	}
	conn.SetReadLimit(maxMessage)
	if !s.enter() {
		conn.Close(websocket.StatusGoingAway, shuttingDown)
		return
	}
	defer s.running.Done()
	ctx, cancel := context.WithCancel(s.life)
	defer cancel()
	s.converse(ctx, cancel, conn)
}

// isOwnOrigin reports whether a browser's page may open a line: one of the public address, or of the
// address that was asked. Programs say no origin.
func (s *Studio) isOwnOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	page, err := url.Parse(origin)
	if err != nil || page.Host == "" {
		return false
	}
	public, err := url.Parse(s.PublicURL)
	return strings.EqualFold(page.Host, r.Host) ||
		err == nil && page.Scheme == public.Scheme && strings.EqualFold(page.Host, public.Host)
}

// enter counts a line, or a start, as running, unless the studio is closed.
func (s *Studio) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.running.Add(1)
	}
	return !s.over
}

const (
	shuttingDown = "The station is shutting down."
	// closeTimeout is how long the pages are given to hear that.
	closeTimeout = 2 * time.Second
)

// Close breaks all lines, and returns when their handlers have returned. Pages come back by themselves.
func (s *Studio) Close() error {
	s.mu.Lock()
	s.over = true
	for _, a := range s.active {
		a.line.closeWith(websocket.StatusGoingAway, shuttingDown)
	}
	s.mu.Unlock()
	defer time.AfterFunc(closeTimeout, s.endLife).Stop()
	s.pending.empty()
	s.running.Wait()
	s.endLife()
	return nil
}
