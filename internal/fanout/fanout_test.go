package fanout

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http/httputil"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"broadcastbot/internal/livefile"
	"broadcastbot/internal/testhelp"
)

// testFeed is a growing file that counts who holds it.
type testFeed struct {
	*livefile.File
	ctx     context.Context
	cut     context.CancelCauseFunc
	holders atomic.Int64
}

var _ Feed = (*testFeed)(nil)

func (f *testFeed) Extent() (size int64, finished bool) {
	finished = f.Finished()
	return f.Size(), finished
}

func (f *testFeed) Context() context.Context { return f.ctx }
func (f *testFeed) Retain()                  { f.holders.Add(1) }
func (f *testFeed) Release()                 { f.holders.Add(-1) }
func (f *testFeed) ID() string               { return "test" }

// venue is a hub with one feed, and connections on loopback.
type venue struct {
	t        testing.TB
	hub      *Hub
	feed     *testFeed
	listener net.Listener
}

// newVenue makes a feed with some bytes. At the end of the test no goroutine may be left.
func newVenue(t testing.TB, stall time.Duration, data []byte) *venue {
	t.Helper()
	before := runtime.NumGoroutine()
	file, err := livefile.Create(filepath.Join(t.TempDir(), "feed"))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &venue{t: t, hub: New(stall, slog.New(slog.DiscardHandler)), feed: &testFeed{File: file}, listener: listener}
	v.feed.ctx, v.feed.cut = context.WithCancelCause(context.Background())
	t.Cleanup(func() {
		v.feed.cut(errors.New("the test is over"))
		listener.Close()
		testhelp.Eventually(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
		file.Close()
		if n := v.feed.holders.Load(); n != 0 {
			t.Errorf("the feed is held %d times at the end", n)
		}
	})
	v.grow(data)
	return v
}

func (v *venue) grow(data []byte) {
	v.t.Helper()
	if _, err := v.feed.Write(data); err != nil {
		v.t.Fatal(err)
	}
}

func (v *venue) finish() {
	v.t.Helper()
	if err := v.feed.Finish(); err != nil {
		v.t.Fatal(err)
	}
}

// connect returns both ends of a connection.
func (v *venue) connect() (server, client *net.TCPConn) {
	v.t.Helper()
	conn, err := net.Dial("tcp", v.listener.Addr().String())
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { conn.Close() })
	accepted, err := v.listener.Accept()
	if err != nil {
		v.t.Fatal(err)
	}
	conn.SetReadDeadline(time.Now().Add(time.Minute)) // a test that hangs says where
	return accepted.(*net.TCPConn), conn.(*net.TCPConn)
}

// join adds a listener who has everything before first to the audience.
func (v *venue) join(first int64) (client *net.TCPConn) {
	v.t.Helper()
	server, client := v.connect()
	v.follow(first, &bufferSink{}, server)
	return client
}

// follow sends a listener the history through the sink, and what is to come through the connection.
func (v *venue) follow(first int64, history *bufferSink, conn net.Conn) {
	v.t.Helper()
	takeOver := func() (net.Conn, error) { return conn, nil }
	if err := v.hub.Follow(v.t.Context(), v.feed, first, history, takeOver); err != nil {
		v.t.Fatal(err)
	}
}

func (v *venue) members() (n int) {
	v.hub.mu.Lock()
	defer v.hub.mu.Unlock()
	for _, s := range v.hub.audiences[v.feed] {
		n += s.members
	}
	return n
}

func (v *venue) shards() int {
	v.hub.mu.Lock()
	defer v.hub.mu.Unlock()
	return len(v.hub.audiences[v.feed])
}

// bufferSink keeps what it gets.
type bufferSink struct{ bytes.Buffer }

func (*bufferSink) SetWriteDeadline(time.Time) error { return nil }
func (*bufferSink) Flush() error                     { return nil }

// mustHear reads a body in chunks to its end and compares.
func mustHear(t testing.TB, conn io.Reader, want []byte) {
	t.Helper()
	got, err := io.ReadAll(httputil.NewChunkedReader(bufio.NewReader(conn)))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("heard %d of %d bytes, %v", len(got), len(want), err)
	}
}

// noise returns n bytes that are the same in every run.
func noise(n int) []byte {
	random := rand.NewChaCha8([32]byte{1})
	p := make([]byte, n)
	random.Read(p)
	return p
}

// TestHistoryThenTail joins in the middle of what exists.
func TestHistoryThenTail(t *testing.T) {
	data := noise(300_000)
	v := newVenue(t, time.Minute, data[:200_000])
	var history bufferSink
	server, client := v.connect()
	v.follow(50_000, &history, server)
	if !bytes.Equal(history.Bytes(), data[50_000:200_000]) {
		t.Errorf("the history has %d bytes", history.Len())
	}
	if n := v.hub.Stats().Listeners; n != 1 || v.members() != 1 || v.feed.holders.Load() != 1 {
		t.Errorf("%d listen, %d in shards, the feed is held %d times", n, v.members(), v.feed.holders.Load())
	}
	v.grow(data[200_000:])
	v.finish()
	mustHear(t, client, data[200_000:])
	testhelp.Eventually(t, "the audience has ended", func() bool { return v.shards() == 0 && v.feed.holders.Load() == 0 })
	if s := v.hub.Stats(); s.Listeners != 0 || s.Dropped != 0 || s.Bytes < 250_000 {
		t.Errorf("stats = %+v", s)
	}
	if n := len(v.hub.audiences); n != 0 {
		t.Errorf("%d audiences are left", n)
	}
}

// TestFinishedFeedNeedsNoConnection asks for a feed that has already ended.
func TestFinishedFeedNeedsNoConnection(t *testing.T) {
	v := newVenue(t, time.Minute, []byte("hello"))
	v.finish()
	var all bufferSink
	takeOver := func() (net.Conn, error) { t.Error("the connection is taken over"); return nil, errors.ErrUnsupported }
	if err := v.hub.Follow(t.Context(), v.feed, 1, &all, takeOver); err != nil || all.String() != "ello" {
		t.Errorf("%q, %v", all.String(), err)
	}
}

// TestTailWithoutSocket serves a connection that cannot be written to without waiting, or that is
// not to be had.
func TestTailWithoutSocket(t *testing.T) {
	data := noise(200_000)
	t.Run("hidden", func(t *testing.T) {
		v := newVenue(t, time.Minute, data[:1000])
		server, client := v.connect()
		taken, done := make(chan struct{}), make(chan error)
		go func() {
			done <- v.hub.Follow(t.Context(), v.feed, 1000, &bufferSink{}, func() (net.Conn, error) {
				close(taken)
				return struct{ net.Conn }{server}, nil
			})
		}()
		<-taken // else all would be history
		v.grow(data[1000:])
		v.finish()
		mustHear(t, client, data[1000:])
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Run("not to be had", func(t *testing.T) {
		v := newVenue(t, time.Minute, data[:1000])
		var all bufferSink
		done := make(chan error)
		go func() {
			done <- v.hub.Follow(t.Context(), v.feed, 0, &all, func() (net.Conn, error) { return nil, errors.ErrUnsupported })
		}()
		v.grow(data[1000:])
		v.finish()
		if err := <-done; err != nil || !bytes.Equal(all.Bytes(), data) {
			t.Errorf("%d bytes, %v", all.Len(), err)
		}
	})
}

// TestFollowIsCut checks that whoever follows is told when the feed is taken away.
func TestFollowIsCut(t *testing.T) {
	removed := errors.New("removed")
	t.Run("in the audience", func(t *testing.T) {
		v := newVenue(t, time.Minute, []byte("hello"))
		client := v.join(5)
		v.feed.cut(removed)
		if got, err := io.ReadAll(client); len(got) != 0 || err != nil {
			t.Errorf("read %q, %v: want nothing, and no chunk that ends the body", got, err)
		}
		testhelp.Eventually(t, "nobody listens", func() bool { return v.hub.Stats().Listeners == 0 })
	})
	t.Run("alone", func(t *testing.T) {
		v := newVenue(t, time.Minute, []byte("hello"))
		done := make(chan error)
		go func() { done <- v.hub.Follow(t.Context(), v.feed, 0, &bufferSink{}, nil) }()
		v.feed.cut(removed)
		if err := <-done; err != removed {
			t.Errorf("Follow = %v", err)
		}
	})
	t.Run("by the client", func(t *testing.T) {
		v := newVenue(t, time.Minute, []byte("hello"))
		ctx, leave := context.WithCancelCause(t.Context())
		done := make(chan error)
		go func() { done <- v.hub.Follow(ctx, v.feed, 0, &bufferSink{}, nil) }()
		leave(io.ErrClosedPipe)
		if err := <-done; err != io.ErrClosedPipe {
			t.Errorf("Follow = %v", err)
		}
	})
}

// TestSlowListenerCatchesUp fills a listener's sockets, and then lets her read: she must get every
// byte, in order, in whole chunks.
func TestSlowListenerCatchesUp(t *testing.T) {
	data := noise(3 << 20)
	v := newVenue(t, time.Minute, data[:10])
	client := v.join(10)
	for at := 10; at < len(data); at += 30_000 {
		v.grow(data[at:min(at+30_000, len(data))])
	}
	v.finish()
	mustHear(t, client, data[10:])
	if d := v.hub.Stats().Dropped; d != 0 {
		t.Errorf("%d dropped", d)
	}
}

// TestListenerWhoTakesNothingIsDropped, and nobody else is.
func TestListenerWhoTakesNothingIsDropped(t *testing.T) {
	data := noise(4 << 20)
	v := newVenue(t, 2*time.Second, data[:10])
	asleep, awake := v.join(10), v.join(10)
	asleep.SetReadBuffer(4096)
	heard := make(chan struct{})
	go func() { defer close(heard); mustHear(t, awake, data[10:]) }()
	for at := 10; at < len(data); at += 30_000 {
		v.grow(data[at:min(at+30_000, len(data))])
	}
	testhelp.Eventually(t, "the sleeper is dropped", func() bool { return v.hub.Stats().Dropped == 1 && v.members() == 1 })
	v.finish()
	<-heard
}

// TestListenersWhoLeaveInAPause are noticed although nothing is sent.
func TestListenersWhoLeaveInAPause(t *testing.T) {
	v := newVenue(t, 60*time.Millisecond, []byte("history"))
	stays, leaves := v.join(7), v.join(7)
	leaves.Close()
	testhelp.Eventually(t, "one has left", func() bool { return v.members() == 1 })
	v.grow([]byte(" and more"))
	v.finish()
	mustHear(t, stays, []byte(" and more"))
}

// TestShardsOpenAndEnd has more listeners than one shard takes.
func TestShardsOpenAndEnd(t *testing.T) {
	v := newVenue(t, time.Minute, []byte("hello"))
	var clients []net.Conn
	for range shardSize + 10 {
		clients = append(clients, v.join(5))
	}
	if m, s := v.members(), v.shards(); m != shardSize+10 || s != 2 || v.feed.holders.Load() != 2 {
		t.Errorf("%d listeners in %d shards, which hold the feed %d times", m, s, v.feed.holders.Load())
	}
	v.grow([]byte(" world"))
	v.finish()
	for _, client := range clients {
		mustHear(t, client, []byte(" world"))
	}
	testhelp.Eventually(t, "there is none", func() bool { return v.shards() == 0 })
}

func TestPause(t *testing.T) {
	for listeners, want := range map[int64]time.Duration{
		0:       0,
		1:       50 * time.Microsecond, // not worth a timer
		200:     10 * time.Millisecond,
		2_000:   100 * time.Millisecond,
		4_000:   200 * time.Millisecond,
		100_000: 200 * time.Millisecond,
	} {
		var h Hub
		h.listeners.Store(listeners)
		if got := h.pause(); got != want {
			t.Errorf("%d listeners: %v, want %v", listeners, got, want)
		}
	}
}

func TestAppendChunk(t *testing.T) {
	for data, want := range map[string]string{"": "0\r\n\r\n", "hello": "5\r\nhello\r\n", strings.Repeat("x", 255): "ff\r\n" + strings.Repeat("x", 255) + "\r\n"} {
		if got := appendChunk(nil, []byte(data)); string(got) != want {
			t.Errorf("appendChunk(%q) = %q", data, got)
		}
		got, err := appendChunkOf(nil, strings.NewReader("___"+data), 3, len(data))
		if err != nil || string(got) != want {
			t.Errorf("appendChunkOf(%q) = %q, %v", data, got, err)
		}
	}
	if _, err := appendChunkOf(nil, strings.NewReader("short"), 0, 6); !errors.Is(err, io.EOF) {
		t.Errorf("a chunk of more than there is: %v", err)
	}
}
