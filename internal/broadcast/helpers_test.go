package broadcast

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/gateway"
	"broadcastbot/internal/link"
	"broadcastbot/internal/listener"
	"broadcastbot/internal/masterkey"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/recordings"
	"broadcastbot/internal/retry"
	"broadcastbot/internal/showtest"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

// room is an Announcer, and a homeserver's Media, that notes what it is told.
type room struct {
	mu         sync.Mutex
	announced  []store.Show
	voiced     []string     // rooms that have the voice message
	astray     int          // voice messages that answer nothing
	updated    []store.Show // what the edits said
	said       []string
	retracted  []string          // rooms whose messages were removed
	removed    string            // room that has removed its announcements itself
	looking    func()            // is called by IsRemoved; nil: nothing
	silent     int               // how often IsRemoved gets no answer
	mayNot     error             // what MayGoOn returns
	forgets    error             // what IsOver returns
	released   []string          // reserved addresses that were given back
	filled     error             // what Release returns
	reserves   string            // what Reserve returns
	unready    error             // what Ready returns
	refuse     error             // what Announce returns
	refuses    string            // in this room; "": in all
	loses      int               // how many answers of Announce are lost
	closed     string            // room in which nothing can be said any more
	store      error             // what Upload returns
	failures   int               // how often Update fails before it works
	announcing func()            // is called by Announce; nil: nothing
	voicing    func(room string) // is called by PostVoice; nil: nothing
	uploading  chan struct{}     // Upload waits until it is closed; nil: it does not
	retelling  chan struct{}     // Update with an address waits until PostVoice has closed it; nil: it does not
}

func (r *room) Ready(context.Context) error { return r.unready }

func (r *room) Announce(_ context.Context, show *store.Show, room string) (string, error) {
	if r.announcing != nil {
		r.announcing()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil && (r.refuses == "" || r.refuses == room) {
		return "", r.refuse
	}
	r.announced = append(r.announced, show.Clone())
	if r.loses > 0 {
		r.loses--
		return "", errors.New("the line was cut")
	}
	return "$announcement-" + room, nil
}

func (r *room) Update(_ context.Context, show *store.Show, a store.Announcement) (string, error) {
	if r.retelling != nil && show.Main().MXC != "" {
		<-r.retelling
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failures > 0 {
		r.failures--
		return "", errors.New("the homeserver is away")
	}
	if !strings.HasPrefix(a.Event, "$announcement-"+a.Room) {
		return "", fmt.Errorf("no such event in %s: %q", a.Room, a.Event)
	}
	if r.closed == a.Room {
		return "", fmt.Errorf("%w: banned", ErrRoomClosed)
	}
	r.updated = append(r.updated, show.Clone())
	return fmt.Sprintf("$edit-%d", len(r.updated)), nil
}

func (r *room) IsRemoved(_ context.Context, a store.Announcement) (bool, error) {
	if r.looking != nil {
		r.looking()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.silent > 0 {
		r.silent--
		return false, errors.New("the homeserver is away")
	}
	return a.Room == r.removed, nil
}

func (r *room) IsOver(_ context.Context, a store.Announcement) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	isTold := slices.ContainsFunc(r.updated, func(show store.Show) bool {
		return slices.ContainsFunc(show.Announcements, func(b store.Announcement) bool { return b.Event == a.Event })
	})
	return a.Room == r.removed || isTold, r.forgets
}

func (r *room) Retract(_ context.Context, _ *store.Show, a store.Announcement) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.retracted = append(r.retracted, a.Room)
	if r.closed == a.Room {
		return fmt.Errorf("%w: banned", ErrRoomClosed)
	}
	return nil
}

func (r *room) MayGoOn(context.Context, *store.Show, string) error { return r.mayNot }

func (r *room) PostVoice(_ context.Context, _ *store.Show, a store.Announcement, path string) (string, error) {
	if r.voicing != nil {
		r.voicing(a.Room)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.Event == "" {
		r.astray++
	}
	if _, err := os.Stat(path); err != nil {
		return "", err
	}
	r.voiced = append(r.voiced, a.Room)
	if r.retelling != nil {
		close(r.retelling)
	}
	return "$voice", nil
}

func (r *room) Say(_ context.Context, _, text string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, text)
	return nil
}

func (r *room) Reserve(context.Context) string { return r.reserves }

func (r *room) Upload(ctx context.Context, t *store.Track, path string) (string, error) {
	if r.uploading != nil {
		select {
		case <-r.uploading:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	if _, err := os.Stat(path); err != nil {
		return "", retry.Permanent(err)
	}
	if r.store != nil {
		return "", r.store
	}
	return cmp.Or(t.Reserved, "mxc://x/"+t.ID), nil
}

func (r *room) Release(_ context.Context, mxc string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.released = append(r.released, mxc)
	return r.filled
}

// tape is a source that notes every packet that leaves it.
type tape struct {
	capture.Source
	mu      sync.Mutex
	packets [][]byte
	fail    error // after limit packets
	limit   int
}

func (t *tape) ReadPacket(ctx context.Context) ([]byte, error) {
	t.mu.Lock()
	n := len(t.packets)
	t.mu.Unlock()
	if t.fail != nil && n >= t.limit {
		return nil, t.fail
	}
	packet, err := t.Source.ReadPacket(ctx)
	if len(packet) > 0 {
		t.mu.Lock()
		t.packets = append(t.packets, bytes.Clone(packet))
		t.mu.Unlock()
	}
	return packet, err
}

// studio is a manager between a real gateway and a room that only takes notes.
type studio struct {
	*Manager
	room   *room
	server *httptest.Server
	plain  bool  // shows are not encrypted
	tape   *tape // of the show that was started last
	dir    string
	begin  func() // runs the manager, once
	end    func() // and ends it
}

const testToken = "a token for tests"

func mustStudio(t *testing.T) *studio {
	t.Helper()
	return mustStudioWith(t, gateway.Options{})
}

func mustStudioWith(t *testing.T, o gateway.Options) *studio {
	t.Helper()
	s := &studio{room: new(room), dir: t.TempDir()}
	s.server = mustGateway(t, s.dir, o)
	s.Manager = mustManager(t, s.dir, s.server.URL, s.room, s.open)
	s.runs(t)
	t.Cleanup(func() { s.end() })
	return s
}

// mustRestart ends the manager, does something, and begins another one.
func (s *studio) mustRestart(t *testing.T, between func()) {
	t.Helper()
	s.end()
	s.Manager = mustManager(t, s.dir, s.server.URL, s.room, s.open)
	s.runs(t)
	between()
	s.mustSettle(t)
}

// runs makes begin and end for the manager.
func (s *studio) runs(t *testing.T) {
	m := s.Manager
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	s.begin = sync.OnceFunc(func() {
		go func() {
			defer close(done)
			if err := m.Run(ctx); err != nil {
				t.Error(err)
			}
		}()
	})
	s.end = sync.OnceFunc(func() {
		s.begin()
		cancel()
		<-done
	})
}

// mustGateway is a gateway that keeps its recordings in dir.
func mustGateway(t testing.TB, dir string, o gateway.Options) *httptest.Server {
	t.Helper()
	g := mustOpenGateway(t, dir, o)
	server := httptest.NewServer(g.Handler())
	t.Cleanup(func() {
		g.Close()
		server.Close()
	})
	return server
}

func mustOpenGateway(t testing.TB, dir string, o gateway.Options) *gateway.Gateway {
	t.Helper()
	catalogue, err := recordings.Open(recordings.Disk(filepath.Join(dir, "recordings")))
	if err != nil {
		t.Fatal(err)
	}
	o.Recordings, o.Token = catalogue, testToken
	g, err := gateway.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// mustManager is a manager that keeps everything in dir.
func mustManager(t testing.TB, dir, gatewayURL string, r *room, open func(context.Context, string, capture.Options) (capture.Source, error)) *Manager {
	t.Helper()
	spools := filepath.Join(dir, "spool")
	if err := os.MkdirAll(spools, 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(context.Background(), filepath.Join(dir, "db"), masterkey.File(filepath.Join(dir, "key")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return NewManager(Options{
		Store: db, Announcer: r, Media: r, PublicURL: gatewayURL, SpoolDir: spools,
		Gateway:       &uploader.Tus{Client: http.DefaultClient, Endpoint: gatewayURL + "/upload", Token: testToken},
		DefaultSource: "tone:440", BlockDuration: 100 * time.Millisecond,
		OpenSource: open, IsLive: capture.BuiltIn(capture.Limits{}).IsLive, Log: slog.New(slog.DiscardHandler),
	})
}

// inBothForms runs a test in a studio whose shows are encrypted, and in one whose
// are not.
func inBothForms(t *testing.T, test func(*testing.T, *studio)) {
	t.Helper()
	for name, plain := range map[string]bool{"encrypted": false, "plain": true} {
		t.Run(name, func(t *testing.T) {
			s := mustStudio(t)
			s.plain = plain
			test(t, s)
		})
	}
}

func (s *studio) open(ctx context.Context, spec string, _ capture.Options) (capture.Source, error) {
	source, err := capture.BuiltIn(capture.Limits{}).Open(ctx, spec, capture.Options{Encoder: opus.EncoderOptions{
		Channels: 1, Bitrate: 32000, Application: opus.VoIP, Complexity: 0,
	}})
	if err != nil {
		return nil, err
	}
	s.tape = &tape{Source: source}
	return s.tape, nil
}

func (s *studio) mustStart(t *testing.T, source string) store.Show {
	t.Helper()
	s.begin()
	b, started, err := s.Start(t.Context(), Request{Rooms: []string{"!r:x"}, Speaker: "@a:x", Source: source, Title: "Test", Plain: s.plain})
	if err != nil || !started {
		t.Fatalf("Start = %v, %v", started, err)
	}
	return b
}

func (s *studio) mustStream(t *testing.T, b store.Show) *listener.Stream {
	t.Helper()
	address, err := link.Parse(b.Main().ListenURL())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := listener.Open(t.Context(), address, listener.Options{Client: s.server.Client()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stream.Close() })
	return stream
}

// mustHear reads a stream to its authenticated end.
func mustHear(t *testing.T, stream *listener.Stream) [][]byte {
	t.Helper()
	var packets [][]byte
	for {
		packet, err := stream.ReadPacket()
		if err == io.EOF {
			return packets
		}
		if err != nil {
			t.Fatalf("after %d packets: %v", len(packets), err)
		}
		packets = append(packets, packet)
	}
}

// mustEqual compares what was heard with what was sent. The station has put its checkpoints into the
// padding of some packets, and one into a silent packet at the end.
func mustEqual(t *testing.T, heard, sent [][]byte) {
	t.Helper()
	heard, sent = showtest.Sound(t, heard), showtest.Sound(t, sent)
	if len(heard) != len(sent) {
		t.Fatalf("%d packets heard, %d sent", len(heard), len(sent))
	}
	for i := range sent {
		if !bytes.Equal(heard[i], sent[i]) {
			t.Fatalf("packet %d differs", i)
		}
	}
}

// mustConclude waits for the end of the only show and returns its record: every
// room that is not closed has been told all of it.
func (s *studio) mustConclude(t *testing.T) store.Show {
	t.Helper()
	s.mustSettle(t)
	shows := s.mustList(t, store.Filter{})
	if len(shows) != 1 {
		t.Fatalf("there are %d shows", len(shows))
	}
	s.mustBeTold(t, shows[0])
	return *shows[0]
}

// mustBeTold checks that a show has come to its end, and that its rooms know it.
func (s *studio) mustBeTold(t *testing.T, show *store.Show) {
	t.Helper()
	if show.Stage != store.Concluded || show.Steps[told] != store.Done || show.Steps[retold] != store.Done {
		t.Fatalf("show %s is %s, its steps are %v", show.ID, show.Stage, show.Steps)
	}
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	for _, a := range show.Announcements {
		said := func(u store.Show) bool { return u.ID == show.ID && u.Revision() == show.Revision() }
		if !a.Closed && (a.Revision != show.Revision() || !slices.ContainsFunc(s.room.updated, said)) {
			t.Errorf("room %s was told %q, not %q", a.Room, a.Revision, show.Revision())
		}
	}
}

// mustSettleAll is mustConclude for so many shows.
func (s *studio) mustSettleAll(t *testing.T, n int) {
	t.Helper()
	s.mustSettle(t)
	shows := s.mustList(t, store.Filter{})
	if len(shows) != n {
		t.Fatalf("there are %d shows, want %d", len(shows), n)
	}
	for _, show := range shows {
		s.mustBeTold(t, show)
	}
}

// mustSettle waits until nothing more can be done for any show.
func (s *studio) mustSettle(t *testing.T) {
	t.Helper()
	s.begin()
	select {
	case <-s.resumed:
	case <-time.After(10 * time.Second):
		t.Fatal("the manager does not begin")
	}
	s.places.running.Wait()
}

func (s *studio) mustList(t *testing.T, f store.Filter) []*store.Show {
	t.Helper()
	shows, err := s.Options.Store.Shows(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return shows
}
