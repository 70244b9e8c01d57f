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

	"broadcastbot/internal/testhelp"
)

// TestAudience lets 500 follow a growing recording, while one of them never reads. He must be
// dropped, and nobody else may notice him.
func TestAudience(t *testing.T) {
	const size = 500
	s := newStation(t, Options{}, withStall(3*time.Second))
	data := noise(400_000)
	id := s.growing(data[:1000])

	before := runtime.NumGoroutine()
	asleep := s.dial("GET /live/" + id + " HTTP/1.1\nHost: x\nRange: " + followRange(0) + "\n\n")
	asleep.SetReadBuffer(4096)
	readers := make([]*bufio.Reader, size)
	for i := range readers {
		readers[i] = s.listen(id, i) // each from another byte
	}
	testhelp.Eventually(t, "all are in the audience, and their handlers have ended", func() bool {
		return s.gateway.Stats().Listeners == size+1 && runtime.NumGoroutine() < before+20
	})

	if here, elsewhere := s.gateway.Listeners(id), s.gateway.Listeners("AAAAAAAAAAAAAAAAAAAAAA"); here != size+1 || elsewhere != 0 {
		t.Errorf("%d listen to the recording, %d to another one", here, elsewhere)
	}

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
	testhelp.Eventually(t, "the sleeper is dropped", func() bool { return s.gateway.Stats().Dropped == 1 })
	s.finish(id, len(data))
	listeners.Wait()
	testhelp.Eventually(t, "nobody is left", func() bool {
		return s.gateway.Stats().Listeners == 0 && s.gateway.Listeners(id) == 0 && s.holders() == 1
	})
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
