package bot

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"

	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/retry"
)

// mediaServer is the media part of a homeserver with MSC2246, as Synapse does
// it. Dendrite has none, so this one stands in.
type mediaServer struct {
	createStatus int    // 0: 200
	putStatus    int    // 0: 200
	limit        int    // m.upload.size
	proxyLimit   int    // of a proxy before it, in bytes; 0: none
	uploading    func() // is called while a file arrives; nil: nobody looks

	mu       sync.Mutex
	creates  int
	uploaded map[string][]byte // by mxc
}

func (s *mediaServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Method + " " + r.URL.Path {
	case "POST /_matrix/media/v1/create":
		s.creates++
		refuse(w, s.createStatus)
		fmt.Fprint(w, `{"content_uri": "mxc://example.org/reserved"}`)
	case "GET /_matrix/client/v1/media/config":
		fmt.Fprintf(w, `{"m.upload.size": %d}`, s.limit)
	case "PUT /_matrix/media/v3/upload/example.org/reserved":
		s.take(w, r, "mxc://example.org/reserved", s.putStatus)
	case "POST /_matrix/media/v3/upload":
		s.take(w, r, "mxc://example.org/new", 0)
	default:
		http.NotFound(w, r)
	}
}

// take stores a body whose length is told before, as Synapse demands.
func (s *mediaServer) take(w http.ResponseWriter, r *http.Request, mxc string, status int) {
	body, _ := io.ReadAll(r.Body)
	if s.uploading != nil {
		s.uploading()
	}
	switch {
	case r.ContentLength < 0:
		status = http.StatusBadRequest
	case s.proxyLimit > 0 && len(body) > s.proxyLimit:
		status = http.StatusRequestEntityTooLarge
	case status == 0:
		s.uploaded[mxc] = body
	}
	refuse(w, status)
	fmt.Fprintf(w, `{"content_uri": %q}`, mxc)
}

func refuse(w http.ResponseWriter, status int) {
	if status == 0 {
		return
	}
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "86400")
	}
	w.WriteHeader(status)
}

func TestReserve(t *testing.T) {
	for _, test := range []struct {
		name    string
		status  int
		want    string
		creates int // after two shows
	}{
		{"OK", 0, "mxc://example.org/reserved", 2},
		{"NotImplemented", http.StatusNotFound, "", 1},
		{"NotAllowed", http.StatusMethodNotAllowed, "", 1},
		{"TooManyPending", http.StatusTooManyRequests, "", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := &mediaServer{createStatus: test.status}
			media := newMedia(t, server)
			for range 2 {
				if got := media.Reserve(t.Context()); got != test.want {
					t.Errorf("reserved %q, want %q", got, test.want)
				}
			}
			if server.creates != test.creates {
				t.Errorf("asked %d times, want %d", server.creates, test.creates)
			}
		})
	}
}

func TestUpload(t *testing.T) {
	const reserved, unreserved = "mxc://example.org/reserved", "mxc://example.org/new"
	for _, test := range []struct {
		name      string
		put       int    // the answer to a PUT
		limits    [2]int // m.upload.size, that of a proxy
		reserved  string
		want      string // the file's address afterwards
		uploaded  bool   // the file was sent there
		permanent bool   // it never can be
	}{
		{"Reserved", 0, [2]int{}, reserved, reserved, true, false},
		{"NotReserved", 0, [2]int{}, "", unreserved, true, false},
		{"Expired", http.StatusNotFound, [2]int{}, reserved, unreserved, true, false},
		{"ThereAlready", http.StatusConflict, [2]int{}, reserved, reserved, false, false},
		{"TooLarge", 0, [2]int{100, 0}, "", "", false, true},
		{"TooLargeReserved", 0, [2]int{100, 0}, reserved, "", false, true},
		{"TooLargeForProxy", 0, [2]int{0, 100}, "", "", false, true},
		{"TooLargeForProxyReserved", 0, [2]int{0, 100}, reserved, "", false, true},
		{"TooLargeExpired", http.StatusNotFound, [2]int{100, 0}, reserved, "", false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := &mediaServer{putStatus: test.put, limit: test.limits[0], proxyLimit: test.limits[1]}
			media, b := newMedia(t, server), newShow(t, room)
			b.Main().Reserved = test.reserved
			mxc, err := media.Upload(t.Context(), b.Main(), b.spool)
			if mxc != test.want || retry.IsPermanent(err) != test.permanent || (err != nil) != test.permanent {
				t.Errorf("at %q (%v), want %q", mxc, err, test.want)
			}
			spool, err := os.ReadFile(b.spool)
			if err != nil {
				t.Fatal(err)
			}
			if stored, there := server.uploaded[mxc]; there != test.uploaded || there && !bytes.Equal(stored, spool) {
				t.Errorf("%d bytes at %s, want %d", len(stored), mxc, len(spool))
			}
		})
	}
}

// TestRelease: the address is filled, or it has expired, or a file is there.
func TestRelease(t *testing.T) {
	for status, want := range map[int]error{0: nil, http.StatusConflict: broadcast.ErrFilled, http.StatusNotFound: nil} {
		server := &mediaServer{putStatus: status}
		if err := newMedia(t, server).Release(t.Context(), "mxc://example.org/reserved"); err != want {
			t.Errorf("%d: %v", status, err)
		}
		if got := string(server.uploaded["mxc://example.org/reserved"]); status == 0 && got != emptyFile {
			t.Errorf("the reserved address is filled with %q", got)
		}
	}
	server := &mediaServer{putStatus: http.StatusInternalServerError}
	if err := newMedia(t, server).Release(t.Context(), "mxc://example.org/reserved"); err == nil || retry.IsPermanent(err) {
		t.Errorf("a server in trouble: %v", err)
	}
}

// TestUploadTroubled: a server that only has a bad day is tried again.
func TestUploadTroubled(t *testing.T) {
	server := &mediaServer{putStatus: http.StatusInternalServerError}
	media, b := newMedia(t, server), newShow(t, room)
	b.Main().Reserved = "mxc://example.org/reserved"
	if mxc, err := media.Upload(t.Context(), b.Main(), b.spool); err == nil || retry.IsPermanent(err) || mxc != "" {
		t.Errorf("stored at %q (%v), want an error that will pass", mxc, err)
	}
}

// TestUploadNothing: a spool that is gone cannot be had by trying again.
func TestUploadNothing(t *testing.T) {
	media, b := newMedia(t, &mediaServer{}), newShow(t, room)
	if mxc, err := media.Upload(t.Context(), b.Main(), b.spool+".gone"); !retry.IsPermanent(err) {
		t.Errorf("stored at %q (%v), want a permanent error", mxc, err)
	}
}

// newMedia are the files of a bot that talks to server without having logged in.
func newMedia(t *testing.T, server *mediaServer) *media {
	t.Helper()
	server.uploaded = make(map[string][]byte)
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	b, err := New(Options{
		Homeserver: listener.URL, User: "@radio:example.org", AccessToken: "token",
		Store: mustOpenStore(t, t.TempDir()), RecoveryDir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.media
}
