package bot

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
)

// mediaServer is the media part of a homeserver with MSC2246, as Synapse does
// it. Dendrite has none, so this one stands in.
type mediaServer struct {
	createStatus int // 0: 200
	putStatus    int // 0: 200
	limit        int // m.upload.size
	proxyLimit   int // of a proxy before it, in bytes; 0: none

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
			b := newMediaBot(t, server)
			for range 2 {
				if got := b.reserve(t.Context()); got != test.want {
					t.Errorf("reserved %q, want %q", got, test.want)
				}
			}
			if server.creates != test.creates {
				t.Errorf("asked %d times, want %d", server.creates, test.creates)
			}
		})
	}
}

func TestStoreRecording(t *testing.T) {
	const reserved, unreserved = "mxc://example.org/reserved", "mxc://example.org/new"
	for _, test := range []struct {
		name   string
		put    int    // the answer to a PUT
		limits [2]int // m.upload.size, that of a proxy
		mxc    string
		want   string // the record's address afterwards
		stored bool
		holds  string // "recording", "empty", "" for nothing
	}{
		{"Reserved", 0, [2]int{}, reserved, reserved, true, "recording"},
		{"NotReserved", 0, [2]int{}, "", unreserved, true, "recording"},
		{"Expired", http.StatusNotFound, [2]int{}, reserved, unreserved, true, "recording"},
		{"ThereAlready", http.StatusConflict, [2]int{}, reserved, reserved, true, ""},
		{"TooLarge", 0, [2]int{100, 0}, "", "", false, ""},
		{"TooLargeReserved", 0, [2]int{100, 0}, reserved, "", false, "empty"},
		{"TooLargeForProxy", 0, [2]int{0, 100}, "", "", false, ""},
		{"TooLargeForProxyReserved", 0, [2]int{0, 100}, reserved, "", false, "empty"},
		{"TooLargeExpired", http.StatusNotFound, [2]int{100, 0}, reserved, "", false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := &mediaServer{putStatus: test.put, limit: test.limits[0], proxyLimit: test.limits[1]}
			bot, b := newMediaBot(t, server), newShow(t, room)
			b.MXC = test.mxc
			if err := bot.storeRecording(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			if b.MXC != test.want || b.MXCStored != test.stored {
				t.Errorf("at %q, stored %v, want %q, %v", b.MXC, b.MXCStored, test.want, test.stored)
			}
			spool, err := os.ReadFile(b.Spool)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string][]byte{"recording": spool, "empty": []byte(emptyFile), "": nil}[test.holds]
			address := cmp.Or(test.want, test.mxc)
			if !bytes.Equal(server.uploaded[address], want) {
				t.Errorf("%d bytes at %s, want %d", len(server.uploaded[address]), address, len(want))
			}
		})
	}
}

// TestStoreRecordingTroubled: the address stays the same while the server only
// has a bad day.
func TestStoreRecordingTroubled(t *testing.T) {
	server := &mediaServer{putStatus: http.StatusInternalServerError}
	bot, b := newMediaBot(t, server), newShow(t, room)
	b.MXC = "mxc://example.org/reserved"
	if err := bot.storeRecording(t.Context(), b); err == nil || b.MXCStored || b.MXC != "mxc://example.org/reserved" {
		t.Errorf("stored %v at %s (%v), want an error", b.MXCStored, b.MXC, err)
	}
}

// TestStoreRecordingOfNothing: a spool that is gone cannot be had by trying
// again, but its reserved address is given back.
func TestStoreRecordingOfNothing(t *testing.T) {
	server := &mediaServer{}
	bot, b := newMediaBot(t, server), newShow(t, room)
	b.MXC, b.Spool = "mxc://example.org/reserved", b.Spool+".gone"
	if err := bot.storeRecording(t.Context(), b); err != nil || b.MXCStored {
		t.Errorf("stored %v (%v), want nothing", b.MXCStored, err)
	}
	if string(server.uploaded["mxc://example.org/reserved"]) != emptyFile || b.MXC != "" {
		t.Error("the reserved address is kept")
	}
}

// newMediaBot is a bot that talks to server without having logged in.
func newMediaBot(t *testing.T, server *mediaServer) *Bot {
	t.Helper()
	server.uploaded = make(map[string][]byte)
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	b, err := New(Options{
		Homeserver: listener.URL, User: "@radio:example.org", AccessToken: "token",
		DB: mustOpenStore(t, t.TempDir()).DB(), DataDir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}
