package broadcast

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/gateway"
	"broadcastbot/internal/link"
	"broadcastbot/internal/listener"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/recordings"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

// room is an Announcer that notes what it is told.
type room struct {
	mu        sync.Mutex
	announced []store.Broadcast
	concluded []store.Broadcast
	said      []string
	unready   error // what Ready returns
	refuse    error // what Announce returns
	failures  int   // how often Conclude fails before it works
}

func (r *room) Ready(context.Context) error { return r.unready }

func (r *room) Announce(_ context.Context, b *store.Broadcast) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		return r.refuse
	}
	b.Event = "$announcement"
	r.announced = append(r.announced, *b)
	return nil
}

func (r *room) Conclude(_ context.Context, b *store.Broadcast) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failures > 0 {
		r.failures--
		return errors.New("the homeserver is away")
	}
	b.VoiceEvent = "$voice"
	r.concluded = append(r.concluded, *b)
	return nil
}

func (r *room) Say(_ context.Context, _, text string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, text)
	return nil
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
	catalogue, err := recordings.Open(recordings.Disk(filepath.Join(s.dir, "recordings")))
	if err != nil {
		t.Fatal(err)
	}
	o.Recordings, o.Token = catalogue, testToken
	g, err := gateway.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.server = httptest.NewServer(g.Handler())
	t.Cleanup(func() {
		g.Close()
		s.server.Close()
	})
	spools := filepath.Join(s.dir, "spool")
	if err := os.Mkdir(spools, 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), filepath.Join(s.dir, "db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s.Manager = NewManager(Options{
		Store: db, Announcer: s.room, PublicURL: s.server.URL, SpoolDir: spools,
		Gateway:       &uploader.Tus{Client: s.server.Client(), Endpoint: s.server.URL + "/upload", Token: testToken},
		DefaultSource: "tone:440", BlockDuration: 100 * time.Millisecond,
		OpenSource: s.open, IsLive: capture.BuiltIn(capture.Limits{}).IsLive, Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	s.begin = sync.OnceFunc(func() {
		go func() {
			defer close(done)
			if err := s.Run(ctx); err != nil {
				t.Error(err)
			}
		}()
	})
	s.end = sync.OnceFunc(func() {
		s.begin()
		cancel()
		<-done
	})
	t.Cleanup(s.end)
	return s
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

func (s *studio) open(ctx context.Context, spec string) (capture.Source, error) {
	source, err := capture.Open(ctx, spec, capture.Options{Encoder: opus.EncoderOptions{
		Channels: 1, Bitrate: 32000, Application: opus.VoIP, Complexity: 0,
	}})
	if err != nil {
		return nil, err
	}
	s.tape = &tape{Source: source}
	return s.tape, nil
}

func (s *studio) mustStart(t *testing.T, source string) store.Broadcast {
	t.Helper()
	s.begin()
	b, started, err := s.Start(t.Context(), Request{Room: "!r:x", Speaker: "@a:x", Source: source, Title: "Test", Plain: s.plain})
	if err != nil || !started {
		t.Fatalf("Start = %v, %v", started, err)
	}
	return b
}

func (s *studio) mustStream(t *testing.T, b store.Broadcast) *listener.Stream {
	t.Helper()
	address, err := link.Parse(b.ListenURL())
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

func mustEqual(t *testing.T, heard, sent [][]byte) {
	t.Helper()
	if len(heard) != len(sent) {
		t.Fatalf("%d packets heard, %d sent", len(heard), len(sent))
	}
	for i := range sent {
		if !bytes.Equal(heard[i], sent[i]) {
			t.Fatalf("packet %d differs", i)
		}
	}
}

// mustConclude waits for the end of the only show and returns what the room was
// told.
func (s *studio) mustConclude(t *testing.T) store.Broadcast {
	t.Helper()
	s.begin()
	select {
	case <-s.resumed:
	case <-time.After(10 * time.Second):
		t.Fatal("the manager does not begin")
	}
	s.running.Wait()
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	if len(s.room.concluded) != 1 {
		t.Fatalf("the room was told %d ends, want 1", len(s.room.concluded))
	}
	return s.room.concluded[0]
}
