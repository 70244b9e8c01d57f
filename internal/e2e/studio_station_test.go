package e2e

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/ingest/studioline"
	"broadcastbot/internal/masterkey"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/showtest"
	"broadcastbot/internal/studio"
	"broadcastbot/store"
)

// studioStation is what a speaker's page speaks with: the page's handler and the station's side of its
// line, behind a line that can be cut. Of the show it keeps the packets.
type studioStation struct {
	t      testing.TB
	line   *showtest.Line
	passes store.Passes
	studio atomic.Pointer[studioline.Studio]
	closed atomic.Bool // the page can be loaded, but gets no line
	link   string
	end    context.CancelFunc // of the show's reader

	mu       sync.Mutex
	title    string
	source   string   // of the show
	packets  [][]byte // of the show
	durable  int
	captured []time.Time // of each packet
	over     bool
}

const blockPackets = 5

var (
	studioSpeaker = capture.Asker{Room: "!town:example.org", User: "@anna:example.org"}
	studioLink    = regexp.MustCompile(`/studio/(#[\w-]+)`)
)

func newStudioStation(t testing.TB) *studioStation {
	t.Helper()
	dir := t.TempDir()
	db, err := store.Open(t.Context(), filepath.Join(dir, "db"), masterkey.File(filepath.Join(dir, "key")))
	if err != nil {
		t.Fatal(err)
	}
	s := &studioStation{t: t, passes: db.Passes(), end: func() {}}
	mux := http.NewServeMux()
	mux.Handle("/studio/", studio.Handler())
	mux.HandleFunc("/studio/line", func(w http.ResponseWriter, r *http.Request) {
		if s.closed.Load() {
			http.Error(w, "the station is not there", http.StatusBadGateway)
			return
		}
		s.studio.Load().ServeHTTP(w, r)
	})
	server := httptest.NewServer(mux)
	s.line = showtest.NewLine(t, server.Listener.Addr().String())
	s.begin()
	t.Cleanup(func() {
		s.end()
		s.studio.Load().Close()
		server.Close()
		db.Close()
	})
	if _, err := s.studio.Load().Kind().Invite(t.Context(), studioSpeaker, "The evening talk"); err != nil {
		t.Fatal(err)
	}
	return s
}

// begin makes the station's side of the line.
func (s *studioStation) begin() {
	s.studio.Store(studioline.New(studioline.Options{
		PublicURL: s.line.URL(), Encoder: opus.Defaults(), Grace: time.Minute, Passes: s.passes, Stage: s,
		Direct:    s.writeTo,
		Member:    func(context.Context, string, string) (int, bool, error) { return 0, true, nil },
		RoomName:  func(context.Context, string) string { return "Town hall" },
		Listeners: func(string) (int, bool) { return 3, true }, Log: slog.New(slog.DiscardHandler),
	}))
}

func (s *studioStation) writeTo(_ context.Context, _, text string) error {
	s.link = s.line.URL() + "/studio/" + studioLink.FindStringSubmatch(text)[1]
	return nil
}

// secret is what is behind the link's #.
func (s *studioStation) secret() string {
	_, secret, _ := strings.Cut(s.link, "#")
	return secret
}

// StartFor implements studioline.Stage: who has a link may speak.
func (s *studioStation) StartFor(ctx context.Context, _ capture.Asker, source, title string) (store.Show, error) {
	s.mu.Lock()
	s.source, s.title = source, title
	s.mu.Unlock()
	return store.Show{ID: "show", StartedAt: time.Now()}, s.open(false)
}

// open records the show, from where it is.
func (s *studioStation) open(resumed bool) error {
	_, name, _ := strings.Cut(s.source, ":")
	options := capture.Options{
		Encoder: opus.Defaults(), Resumed: resumed, Recorded: int64(s.durable) * opus.FrameSize, Bitrate: opus.Defaults().Bitrate,
	}
	source, err := s.studio.Load().Kind().Open(context.Background(), name, options)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.end = cancel
	go s.record(ctx, source)
	return nil
}

func (s *studioStation) record(ctx context.Context, source capture.Source) {
	for {
		packet, err := source.ReadPacket(ctx)
		if ctx.Err() != nil {
			return // killed
		}
		if err != nil {
			source.Close()
			s.mu.Lock()
			s.over = true
			s.mu.Unlock()
			return
		}
		s.mu.Lock()
		s.packets = append(s.packets, packet)
		s.captured = append(s.captured, source.(capture.CapturedSource).Captured())
		n := len(s.packets)
		isBlock := n%blockPackets == 0
		if isBlock {
			s.durable = n
		}
		s.mu.Unlock()
		if isBlock {
			source.(capture.DurableSource).Durable(int64(n) * opus.FrameSize)
		}
	}
}

// kill ends the station with everything that is not on its disk, and begins it again.
func (s *studioStation) kill() {
	s.t.Helper()
	s.line.SetCut(true)
	s.end()
	s.mu.Lock()
	s.packets, s.captured = s.packets[:s.durable], s.captured[:s.durable]
	s.mu.Unlock()
	s.begin()
	if err := s.open(true); err != nil {
		s.t.Fatal(err)
	}
}

func (s *studioStation) received() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.packets)
}

// mustHave waits until the station has so many packets.
func (s *studioStation) mustHave(packets int) {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); s.received() < packets; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("the station has %d packets, not %d", s.received(), packets)
		}
	}
}
