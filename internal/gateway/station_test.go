package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"broadcastbot/internal/fanout"
	"broadcastbot/internal/recordings"
)

const testToken = "secret-of-the-tests"

// station is a gateway that really listens on loopback, and a client for it.
type station struct {
	t       testing.TB
	dir     string // of its recordings
	gateway *Gateway
	server  *httptest.Server
	client  *http.Client
}

// newStation starts a gateway on o. At the end of the test it is closed, and no goroutine may be
// left.
func newStation(t testing.TB, o Options, adjust ...func(*Gateway)) *station {
	t.Helper()
	return newStationIn(t, t.TempDir(), o, adjust...)
}

// newStationIn is newStation with the recordings in a directory.
func newStationIn(t testing.TB, dir string, o Options, adjust ...func(*Gateway)) *station {
	t.Helper()
	before := runtime.NumGoroutine()
	o.Recordings, o.Token = mustOpen(t, dir), testToken
	gateway, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range adjust {
		f(gateway)
	}
	s := &station{
		t:       t,
		dir:     dir,
		gateway: gateway,
		server:  httptest.NewServer(gateway.Handler()),
		client:  &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
	}
	t.Cleanup(func() {
		s.stop()
		mustLeaveNoGoroutine(t, before)
	})
	return s
}

func mustOpen(t testing.TB, dir string) *recordings.Catalogue {
	t.Helper()
	catalogue, err := recordings.Open(recordings.Disk(dir))
	if err != nil {
		t.Fatal(err)
	}
	return catalogue
}

// stop closes everything; it may be called again.
func (s *station) stop() {
	s.gateway.Close()
	s.client.CloseIdleConnections()
	s.server.Close()
}

// mustLeaveNoGoroutine waits until no more goroutines run than before.
func mustLeaveNoGoroutine(t testing.TB, before int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Errorf("%d goroutines are left, %d were there before:\n%s",
				runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// withStall makes a gateway's listeners lose their connection when they take nothing for so long.
func withStall(stall time.Duration) func(*Gateway) {
	return func(g *Gateway) { g.hub = fanout.New(stall, g.log) }
}

type headers map[string]string

// answer is a response that was read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error // of reading the body
}

// do sends a request as it is.
func (s *station) do(method, path string, h headers, body io.Reader) answer {
	s.t.Helper()
	response, err := s.open(context.Background(), method, path, h, body)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, read, err}
}

func (s *station) open(ctx context.Context, method, path string, h headers, body io.Reader) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, s.server.URL+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	for name, value := range h {
		request.Header.Set(name, value)
	}
	return s.client.Do(request)
}

// tus returns the headers of every upload request, and more.
func tus(more headers) headers {
	h := headers{"Authorization": "Bearer " + testToken, "Tus-Resumable": "1.0.0"}
	for name, value := range more {
		h[name] = value
	}
	return h
}

func patch(offset int, more headers) headers {
	h := tus(more)
	h["Content-Type"] = "application/offset+octet-stream"
	h["Upload-Offset"] = strconv.Itoa(offset)
	return h
}

// begin creates a deferred upload.
func (s *station) begin() (id string) {
	s.t.Helper()
	a := s.do("POST", "/upload", tus(headers{"Upload-Defer-Length": "1"}), nil)
	if a.status != http.StatusCreated {
		s.t.Fatalf("POST = %d %s %v", a.status, a.body, a.err)
	}
	return strings.TrimPrefix(a.header.Get("Location"), "upload/")
}

// grow appends data at offset.
func (s *station) grow(id string, offset int, data []byte) {
	s.t.Helper()
	a := s.do("PATCH", "/upload/"+id, patch(offset, nil), bytes.NewReader(data))
	if a.status != http.StatusNoContent || a.header.Get("Upload-Offset") != strconv.Itoa(offset+len(data)) {
		s.t.Fatalf("PATCH at %d = %d %s %v, offset %q", offset, a.status, a.body, a.err, a.header.Get("Upload-Offset"))
	}
}

// finish declares the length of an upload that has size bytes.
func (s *station) finish(id string, size int) {
	s.t.Helper()
	a := s.do("PATCH", "/upload/"+id, patch(size, headers{"Upload-Length": strconv.Itoa(size)}), nil)
	if a.status != http.StatusNoContent {
		s.t.Fatalf("finishing PATCH = %d %s %v", a.status, a.body, a.err)
	}
}

// growing returns an upload with data, finished one that is whole.
func (s *station) growing(data []byte) (id string) {
	s.t.Helper()
	id = s.begin()
	s.grow(id, 0, data)
	return id
}

func (s *station) finished(data []byte) (id string) {
	s.t.Helper()
	id = s.growing(data)
	s.finish(id, len(data))
	return id
}

// follow opens the live tail from offset on.
func (s *station) follow(id string, offset int) io.ReadCloser {
	s.t.Helper()
	response, err := s.open(s.t.Context(), "GET", "/live/"+id, headers{"Range": followRange(offset)}, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if response.StatusCode != http.StatusPartialContent {
		s.t.Fatalf("follow from %d = %s", offset, response.Status)
	}
	return response.Body
}

func followRange(offset int) string { return fmt.Sprintf("bytes=%d-9007199254740991", offset) }

// mustRead reads exactly len(want) bytes and compares.
func mustRead(t testing.TB, r io.Reader, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(r, got); err != nil {
		t.Fatalf("read %d of %d bytes: %v", n, len(want), err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%d bytes read differ from what was sent", len(want))
	}
}

// dial opens a connection and sends a request as it is.
func (s *station) dial(request string) *net.TCPConn {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.server.Listener.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, strings.ReplaceAll(request, "\n", "\r\n")); err != nil {
		s.t.Fatal(err)
	}
	conn.SetReadDeadline(time.Now().Add(time.Minute)) // a test that hangs says where
	return conn.(*net.TCPConn)
}

// noise returns n bytes that are the same in every run.
func noise(n int) []byte {
	random := rand.NewChaCha8([32]byte{1})
	p := make([]byte, n)
	random.Read(p)
	return p
}
