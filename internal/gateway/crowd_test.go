package gateway

import (
	"bufio"
	"bytes"
	"hash/fnv"
	"io"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"
)

// TestCrowd lets 500 follow a growing recording, while one of them never
// reads. He must be dropped, and nobody else may notice him.
func TestCrowd(t *testing.T) {
	const crowd = 500
	s := newStation(t, Options{}, func(g *Gateway) { g.stall = 3 * time.Second })
	data := noise(400_000)
	id := s.growing(data[:1000])

	before := runtime.NumGoroutine()
	asleep := s.dial("GET /live/" + id + " HTTP/1.1\nHost: x\nRange: " + followRange(0) + "\n\n")
	asleep.SetReadBuffer(4096)
	readers := make([]*bufio.Reader, crowd)
	for i := range readers {
		readers[i] = s.listen(id, i) // each from another byte
	}
	eventually(t, "all are in the shard", func() bool { return s.members(id) == crowd+1 })
	eventually(t, "their handlers have ended", func() bool { return runtime.NumGoroutine() < before+20 })

	var listeners sync.WaitGroup
	for i, r := range readers {
		listeners.Go(func() { mustHear(t, r, data[i:]) })
	}
	body, done := s.flow(id, 1000)
	for at := 1000; at < len(data); at += 3000 {
		body.Write(data[at : at+3000])
	}
	body.Close()
	<-done
	eventually(t, "the sleeper is dropped", func() bool { return s.gateway.Stats().Dropped == 1 })
	s.finish(id, len(data))
	listeners.Wait()
	eventually(t, "nobody is left", func() bool { return s.gateway.Stats().Listeners == 0 && s.holders(id) == 1 })
}

// listen follows from first on over a connection of its own.
func (s *station) listen(id string, first int) *bufio.Reader {
	s.t.Helper()
	conn := s.dial("GET /live/" + id + " HTTP/1.1\nHost: x\nRange: " + followRange(first) + "\n\n")
	r := bufio.NewReader(conn)
	response, err := http.ReadResponse(r, nil)
	if err != nil || response.StatusCode != http.StatusPartialContent {
		s.t.Fatalf("listener %d: %v, %v", first, response, err)
	}
	return bufio.NewReader(response.Body)
}

// mustHear reads to the end and compares.
func mustHear(t testing.TB, r io.Reader, want []byte) {
	t.Helper()
	got, expected := fnv.New64a(), fnv.New64a()
	n, err := io.Copy(got, r)
	expected.Write(want)
	if err != nil || int(n) != len(want) || !bytes.Equal(got.Sum(nil), expected.Sum(nil)) {
		t.Errorf("heard %d of %d bytes, %v", n, len(want), err)
	}
}

// TestSlowListenerCatchesUp fills a listener's sockets, and then lets her
// read: she must get every byte, in order, in whole chunks.
func TestSlowListenerCatchesUp(t *testing.T) {
	s := newStation(t, Options{})
	data := noise(3 << 20)
	id := s.growing(data[:10])
	conn := s.dial("GET /live/" + id + " HTTP/1.1\nHost: x\nRange: " + followRange(0) + "\n\n")
	eventually(t, "she listens", func() bool { return s.members(id) == 1 })
	body, done := s.flow(id, 10)
	for at := 10; at < len(data); at += 30_000 {
		body.Write(data[at:min(at+30_000, len(data))])
	}
	body.Close()
	<-done
	s.finish(id, len(data))

	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	mustHear(t, response.Body, data)
	if d := s.gateway.Stats().Dropped; d != 0 {
		t.Errorf("%d dropped", d)
	}
}

// TestShardsOpenAndEnd has more listeners than one shard takes.
func TestShardsOpenAndEnd(t *testing.T) {
	s := newStation(t, Options{})
	id := s.growing([]byte("hello"))
	rec, err := s.gateway.shelf.acquire(id)
	if err != nil {
		t.Fatal(err)
	}
	shards := func() int {
		rec.crowd.mu.Lock()
		defer rec.crowd.mu.Unlock()
		return len(rec.crowd.shards)
	}
	var bodies []*bufio.Reader
	for range shardSize + 10 {
		bodies = append(bodies, s.listen(id, 0))
	}
	eventually(t, "there are two shards", func() bool { return s.members(id) == shardSize+10 && shards() == 2 })
	s.finish(id, 5)
	for _, body := range bodies {
		mustHear(t, body, []byte("hello"))
	}
	eventually(t, "there is none", func() bool { return shards() == 0 })
	s.gateway.shelf.release(rec)
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
		var now traffic
		now.listeners.Store(listeners)
		if got := now.pause(); got != want {
			t.Errorf("%d listeners: %v, want %v", listeners, got, want)
		}
	}
}
