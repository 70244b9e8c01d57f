package gateway

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"broadcastbot/internal/testhelp"
)

func TestDescribeUpload(t *testing.T) {
	s := newStation(t, Options{MaxSize: 5000})
	a := s.do("OPTIONS", "/upload", nil, nil)
	for name, want := range map[string]string{
		"Tus-Resumable": "1.0.0",
		"Tus-Version":   "1.0.0",
		"Tus-Extension": "creation,creation-defer-length,termination",
		"Tus-Max-Size":  "5000",
	} {
		if a.status != http.StatusNoContent || a.header.Get(name) != want {
			t.Errorf("OPTIONS = %d, %s: %q", a.status, name, a.header.Get(name))
		}
	}
}

func TestCreate(t *testing.T) {
	s := newStation(t, Options{PublicURL: "https://radio.example.org/"})
	a := s.do("POST", "/upload", tus(headers{"Upload-Defer-Length": "1"}), nil)
	id := strings.TrimPrefix(a.header.Get("Location"), "upload/")
	if a.status != http.StatusCreated || len(id) != 22 || a.header.Get("Tus-Resumable") != "1.0.0" {
		t.Fatalf("POST = %d %v", a.status, a.header)
	}
	var where created
	if err := json.Unmarshal(a.body, &where); err != nil || where.LiveURL != "https://radio.example.org/live/"+id ||
		where.ListenURL != "https://radio.example.org/listen/"+id {
		t.Errorf("body %s: %v", a.body, err)
	}
	endpoint, err := url.Parse("https://radio.example.org/radio/upload")
	if err != nil {
		t.Fatal(err)
	}
	location, err := endpoint.Parse(a.header.Get("Location"))
	if err != nil || location.String() != endpoint.String()+"/"+id {
		t.Errorf("behind a proxy, Location means %v, %v", location, err)
	}
	if other := s.begin(); other == id {
		t.Error("two uploads got the same id")
	}
}

// TestUploadRefusals gives every request one thing wrong. The upload that it is about holds 10
// bytes; the gateway holds 100 at most.
func TestUploadRefusals(t *testing.T) {
	s := newStation(t, Options{MaxSize: 100})
	id := s.growing(noise(10))
	deferred := tus(headers{"Upload-Defer-Length": "1"})
	without := func(h headers, name string) headers { delete(h, name); return h }
	with := func(h headers, name, value string) headers { h[name] = value; return h }
	for _, test := range []struct {
		name, method, path string
		headers            headers
		body               string
		status             int
		errcode            string
	}{
		{"no token", "POST", "", without(tus(deferred), "Authorization"), "", 401, "M_MISSING_TOKEN"},
		{"another scheme", "POST", "", with(tus(deferred), "Authorization", "Basic "+testToken), "", 401, "M_MISSING_TOKEN"},
		{"wrong token", "POST", "", with(tus(deferred), "Authorization", "Bearer x"), "", 401, "M_UNKNOWN_TOKEN"},
		{"longer token", "PATCH", id, with(patch(10, nil), "Authorization", "Bearer "+testToken+"x"), "", 401, "M_UNKNOWN_TOKEN"},
		{"unknown, without token", "PATCH", "AAAAAAAAAAAAAAAAAAAAAA", without(patch(10, nil), "Authorization"), "", 401, "M_MISSING_TOKEN"},
		{"no tus version", "POST", "", without(tus(deferred), "Tus-Resumable"), "", 412, "ORG_BROADCASTBOT_TUS_VERSION"},
		{"old tus version", "PATCH", id, with(patch(10, nil), "Tus-Resumable", "0.2.2"), "", 412, "ORG_BROADCASTBOT_TUS_VERSION"},
		{"no length", "POST", "", tus(nil), "", 400, "M_INVALID_PARAM"},
		{"both lengths", "POST", "", tus(headers{"Upload-Defer-Length": "1", "Upload-Length": "5"}), "", 400, "M_INVALID_PARAM"},
		{"defer 2", "POST", "", tus(headers{"Upload-Defer-Length": "2"}), "", 400, "M_INVALID_PARAM"},
		{"negative length", "POST", "", tus(headers{"Upload-Length": "-1"}), "", 400, "M_INVALID_PARAM"},
		{"signed length", "POST", "", tus(headers{"Upload-Length": "+1"}), "", 400, "M_INVALID_PARAM"},
		{"length too large", "POST", "", tus(headers{"Upload-Length": "101"}), "", 413, "M_TOO_LARGE"},
		{"media type", "PATCH", id, with(patch(10, nil), "Content-Type", "text/plain"), "x", 415, "M_INVALID_PARAM"},
		{"no offset", "PATCH", id, without(patch(10, nil), "Upload-Offset"), "x", 400, "M_INVALID_PARAM"},
		{"strange offset", "PATCH", id, with(patch(10, nil), "Upload-Offset", "0x0a"), "x", 400, "M_INVALID_PARAM"},
		{"before the end", "PATCH", id, patch(9, nil), "x", 409, "ORG_BROADCASTBOT_OFFSET"},
		{"beyond the end", "PATCH", id, patch(11, nil), "x", 409, "ORG_BROADCASTBOT_OFFSET"},
		{"shorter than it is", "PATCH", id, patch(10, headers{"Upload-Length": "9"}), "", 400, "M_INVALID_PARAM"},
		{"length larger than allowed", "PATCH", id, patch(10, headers{"Upload-Length": "101"}), "", 413, "M_TOO_LARGE"},
		{"strange length", "PATCH", id, patch(10, headers{"Upload-Length": "ten"}), "", 400, "M_INVALID_PARAM"},
		{"unknown", "PATCH", "AAAAAAAAAAAAAAAAAAAAAA", patch(0, nil), "x", 404, "M_NOT_FOUND"},
		{"unknown to delete", "DELETE", "AAAAAAAAAAAAAAAAAAAAAA", tus(nil), "", 404, "M_NOT_FOUND"},
		{"no id", "PATCH", "..%2f..%2fetc", patch(0, nil), "x", 404, "M_NOT_FOUND"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := s.do(test.method, strings.TrimSuffix("/upload/"+test.path, "/"), test.headers, strings.NewReader(test.body))
			mustRefuse(t, a, test.status)
			if !strings.Contains(string(a.body), `"`+test.errcode+`"`) {
				t.Errorf("body %s, want %s", a.body, test.errcode)
			}
			if a.header.Get("Tus-Resumable") != "1.0.0" {
				t.Error("Tus-Resumable is missing")
			}
			if challenge := a.header.Get("WWW-Authenticate"); (a.status == 401) != strings.HasPrefix(challenge, "Bearer ") {
				t.Errorf("WWW-Authenticate: %q", challenge)
			}
			if a.status == 409 && a.header.Get("Upload-Offset") != "10" {
				t.Errorf("Upload-Offset: %q", a.header.Get("Upload-Offset"))
			}
			if a.status == 412 && a.header.Get("Tus-Version") != "1.0.0" {
				t.Errorf("Tus-Version: %q", a.header.Get("Tus-Version"))
			}
		})
	}
	s.mustHold(id, noise(10))
}

// mustHold checks what is stored of a recording now.
func (s *station) mustHold(id string, want []byte) {
	s.t.Helper()
	a := s.do("GET", "/live/"+id, headers{"Range": "bytes=0-"}, nil)
	if !bytes.Equal(a.body, want) {
		s.t.Errorf("the recording has %d bytes, not the %d that were sent", len(a.body), len(want))
	}
}

// mustStand checks what HEAD says of an upload; length "" means deferred.
func (s *station) mustStand(id string, offset int, length string) {
	s.t.Helper()
	a := s.do("HEAD", "/upload/"+id, tus(nil), nil)
	deferred := ""
	if length == "" {
		deferred = "1"
	}
	if a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" ||
		a.header.Get("Upload-Offset") != strconv.Itoa(offset) ||
		a.header.Get("Upload-Length") != length || a.header.Get("Upload-Defer-Length") != deferred {
		s.t.Errorf("HEAD = %d %v, want offset %d, length %q", a.status, a.header, offset, length)
	}
}

func TestUploadInPieces(t *testing.T) {
	s := newStation(t, Options{})
	data := noise(300_000)
	id := s.begin()
	s.mustStand(id, 0, "")
	s.grow(id, 0, data[:100_000])
	s.mustStand(id, 100_000, "")
	s.grow(id, 100_000, nil)
	s.grow(id, 100_000, data[100_000:])
	s.finish(id, len(data))
	s.mustStand(id, len(data), "300000")
	s.finish(id, len(data)) // an uploader that missed the answer asks again
	s.mustHold(id, data)

	a := s.do("PATCH", "/upload/"+id, patch(len(data), nil), strings.NewReader("more"))
	mustRefuse(t, a, http.StatusRequestEntityTooLarge)
	a = s.do("PATCH", "/upload/"+id, patch(0, nil), strings.NewReader("more"))
	mustRefuse(t, a, http.StatusConflict)
	s.mustHold(id, data)
}

func TestUploadOfKnownLength(t *testing.T) {
	s := newStation(t, Options{})
	t.Run("from the start", func(t *testing.T) {
		a := s.do("POST", "/upload", tus(headers{"Upload-Length": "10"}), nil)
		id := strings.TrimPrefix(a.header.Get("Location"), "upload/")
		s.grow(id, 0, noise(4))
		s.mustStand(id, 4, "10")
		mustRefuse(t, s.do("PATCH", "/upload/"+id, patch(4, headers{"Upload-Length": "11"}), nil), 400)
		mustRefuse(t, s.do("PATCH", "/upload/"+id, patch(4, nil), bytes.NewReader(noise(11)[4:])), 413)
		s.mustStand(id, 10, "10")
		s.mustHold(id, noise(10))
		mustBeFile(t, s, id, ".mxc")
	})
	t.Run("said with the last body", func(t *testing.T) {
		id := s.growing(noise(4))
		a := s.do("PATCH", "/upload/"+id, patch(4, headers{"Upload-Length": "10"}), bytes.NewReader(noise(10)[4:]))
		if a.status != http.StatusNoContent {
			t.Errorf("PATCH = %d %s", a.status, a.body)
		}
		mustBeFile(t, s, id, ".mxc")
	})
	t.Run("nothing at all", func(t *testing.T) {
		a := s.do("POST", "/upload", tus(headers{"Upload-Length": "0"}), nil)
		mustBeFile(t, s, strings.TrimPrefix(a.header.Get("Location"), "upload/"), ".mxc")
	})
}

// mustBeFile checks that a recording's only file has the extension.
func mustBeFile(t testing.TB, s *station, id, ext string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, id+"*"))
	if err != nil || len(files) != 1 || filepath.Ext(files[0]) != ext {
		t.Errorf("files %v (%v), want %s", files, err, ext)
	}
}

func TestMethodOverride(t *testing.T) {
	s := newStation(t, Options{})
	id := s.begin()
	a := s.do("POST", "/upload/"+id, patch(0, headers{"X-HTTP-Method-Override": "PATCH"}), strings.NewReader("hello"))
	if a.status != http.StatusNoContent {
		t.Errorf("POST that means PATCH = %d %s", a.status, a.body)
	}
	s.mustHold(id, []byte("hello"))
}

func TestUploadTooLarge(t *testing.T) {
	s := newStation(t, Options{MaxSize: 100_000})
	data := noise(200_000)
	id := s.growing(data[:50_000])
	a := s.do("PATCH", "/upload/"+id, patch(50_000, nil), onlyReader{bytes.NewReader(data[50_000:])})
	if a.err == nil { // the gateway may be done before the client has sent all
		mustRefuse(t, a, http.StatusRequestEntityTooLarge)
	}
	s.mustStand(id, 100_000, "")
	s.finish(id, 100_000)
	s.mustHold(id, data[:100_000])
}

// onlyReader hides a body's length, so that it is sent in chunks.
type onlyReader struct{ io.Reader }

// flow starts a PATCH whose body the test writes bit by bit.
func (s *station) flow(id string, offset int) (body *io.PipeWriter, done <-chan answer) {
	r, w := io.Pipe()
	answers := make(chan answer, 1)
	go func() { answers <- s.do("PATCH", "/upload/"+id, patch(offset, nil), r) }()
	s.t.Cleanup(func() { w.CloseWithError(io.ErrClosedPipe) })
	return w, answers
}

func TestUploadFlows(t *testing.T) {
	s := newStation(t, Options{})
	id := s.begin()
	body, done := s.flow(id, 0)
	listener := s.follow(id, 0)
	for i := range 100 {
		block := fmt.Appendf(nil, "block %d", i)
		body.Write(block)
		mustRead(t, listener, block) // it is there before the next is sent
	}
	body.Close()
	if a := <-done; a.status != http.StatusNoContent {
		t.Errorf("PATCH = %d %s %v", a.status, a.body, a.err)
	}
}

func TestUploadContinuesAfterACut(t *testing.T) {
	s := newStation(t, Options{})
	data := noise(100_000)
	id := s.begin()
	for name, request := range map[string]string{
		"known length": "Content-Length: 100000\n\n",
		"chunked":      "Transfer-Encoding: chunked\n\n186a0\n",
	} {
		size := s.offset(id)
		conn := s.dial(fmt.Sprintf("PATCH /upload/%s HTTP/1.1\nHost: x\nAuthorization: Bearer %s\nTus-Resumable: 1.0.0\n"+
			"Content-Type: application/offset+octet-stream\nUpload-Offset: %d\n%s", id, testToken, size, request))
		conn.Write(data[size : size+30_000])
		conn.Close()
		testhelp.Eventually(t, "what was sent is stored, "+name, func() bool { return s.offset(id) == size+30_000 })
	}
	size := s.offset(id)
	s.grow(id, size, data[size:])
	s.finish(id, len(data))
	s.mustHold(id, data)
}

// TestCutOffUploadIsToContinue closes half of a connection, so that the answer to an upload that
// was cut off can be read.
func TestCutOffUploadIsToContinue(t *testing.T) {
	s := newStation(t, Options{})
	conn := s.dial("PATCH /upload/" + s.begin() + " HTTP/1.1\nHost: x\nAuthorization: Bearer " + testToken + "\nTus-Resumable: 1.0.0\n" +
		"Content-Type: application/offset+octet-stream\nUpload-Offset: 0\nContent-Length: 10\n\nhello")
	conn.CloseWrite()
	a := mustAnswer(t, conn)
	mustRefuse(t, a, http.StatusRequestTimeout) // which clients try again after, unlike other 4xx
	if a.header.Get("Upload-Offset") != "5" {
		t.Errorf("Upload-Offset: %q", a.header.Get("Upload-Offset"))
	}
}

// TestRefusalDoesNotWaitForTheBody sends a body that flows and does not end: the answer must come
// before more of it.
func TestRefusalDoesNotWaitForTheBody(t *testing.T) {
	s := newStation(t, Options{MaxSize: 100})
	id := s.growing(noise(10))
	for status, request := range map[int]string{
		http.StatusUnauthorized:          "Upload-Offset: 10\n",
		http.StatusConflict:              "Authorization: Bearer " + testToken + "\nUpload-Offset: 9\n",
		http.StatusRequestEntityTooLarge: "Authorization: Bearer " + testToken + "\nUpload-Offset: 10\nUpload-Length: 101\n",
	} {
		conn := s.dial("PATCH /upload/" + id + " HTTP/1.1\nHost: x\nTus-Resumable: 1.0.0\n" +
			"Content-Type: application/offset+octet-stream\nTransfer-Encoding: chunked\n" + request + "\n5\nhello\n")
		mustRefuse(t, mustAnswer(t, conn), status)
		if rest, err := io.ReadAll(conn); len(rest) > 0 || err != nil {
			t.Errorf("after %d comes %q, %v, want the end", status, rest, err)
		}
	}
	s.mustHold(id, noise(10))
}

// mustAnswer reads one answer from a connection that [station.dial] opened.
func mustAnswer(t testing.TB, conn net.Conn) answer {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("read the answer: %v", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, body, err}
}

func (s *station) offset(id string) int {
	s.t.Helper()
	n, err := strconv.Atoi(s.do("HEAD", "/upload/"+id, tus(nil), nil).header.Get("Upload-Offset"))
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func TestIdleUploadIsStopped(t *testing.T) {
	s := newStation(t, Options{}, func(g *Gateway) { g.uploadIdle = 20 * time.Millisecond })
	id := s.begin()
	body, done := s.flow(id, 0)
	body.Write([]byte("hello"))
	a := <-done
	mustRefuse(t, a, http.StatusRequestTimeout)
	if a.header.Get("Upload-Offset") != "5" {
		t.Errorf("Upload-Offset: %q", a.header.Get("Upload-Offset"))
	}
	s.mustHold(id, []byte("hello"))
}

func TestNewestUploadWins(t *testing.T) {
	s := newStation(t, Options{})
	id := s.begin()
	old, oldDone := s.flow(id, 0)
	listener := s.follow(id, 0)
	old.Write([]byte("from the old one. "))
	mustRead(t, listener, []byte("from the old one. "))

	new, newDone := s.flow(id, 18)
	mustRefuse(t, <-oldDone, http.StatusLocked)
	new.Write([]byte("from the new one."))
	mustRead(t, listener, []byte("from the new one."))
	new.Close()
	if a := <-newDone; a.status != http.StatusNoContent {
		t.Errorf("PATCH = %d %s", a.status, a.body)
	}
	s.mustHold(id, []byte("from the old one. from the new one."))
}

// TestManyUploadersOfOneUpload lets many take the append lock from each other. Each sends the right
// bytes for the offset it names, so a byte in a wrong place shows that two wrote at once.
func TestManyUploadersOfOneUpload(t *testing.T) {
	s := newStation(t, Options{})
	data := noise(400_000)
	id := s.begin()
	var uploaders sync.WaitGroup
	for i := range 6 {
		random := rand.New(rand.NewPCG(uint64(i), 0))
		uploaders.Go(func() {
			for {
				at := s.offset(id)
				if at == len(data) {
					return
				}
				end := min(len(data), at+1+random.IntN(20_000))
				a := s.do("PATCH", "/upload/"+id, patch(at, nil), onlyReader{bytes.NewReader(data[at:end])})
				switch a.status {
				case http.StatusNoContent, http.StatusConflict, http.StatusLocked, 0: // 0: cut while it was sending
				default:
					t.Errorf("PATCH = %d %s", a.status, a.body)
					return
				}
			}
		})
	}
	uploaders.Wait()
	s.mustHold(id, data)
}

func TestDelete(t *testing.T) {
	for name, make := range map[string]func(*station, []byte) string{
		"growing":  (*station).growing,
		"finished": (*station).finished,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStation(t, Options{})
			id := make(s, noise(1000))
			if a := s.do("DELETE", "/upload/"+id, tus(nil), nil); a.status != http.StatusNoContent || a.header.Get("Tus-Resumable") != "1.0.0" {
				t.Fatalf("DELETE = %d %s", a.status, a.body)
			}
			mustBeFile(t, s, id, ".gone")
			if info, err := os.Stat(filepath.Join(s.dir, id+".gone")); err != nil || info.Size() != 0 {
				t.Errorf("tombstone: %v, %v", info, err)
			}
			mustRefuse(t, s.do("GET", "/live/"+id, nil, nil), http.StatusGone)
			if a := s.do("GET", "/listen/"+id, nil, nil); a.status != http.StatusGone {
				t.Errorf("page = %d, want 410", a.status)
			}
			mustRefuse(t, s.do("PATCH", "/upload/"+id, patch(1000, nil), nil), http.StatusGone)
			mustRefuse(t, s.do("DELETE", "/upload/"+id, tus(nil), nil), http.StatusGone)
			if a := s.do("HEAD", "/upload/"+id, tus(nil), nil); a.status != http.StatusGone {
				t.Errorf("HEAD = %d", a.status)
			}
		})
	}
}

func TestDeleteStopsTheUpload(t *testing.T) {
	s := newStation(t, Options{})
	id := s.begin()
	body, done := s.flow(id, 0)
	body.Write([]byte("hello"))
	testhelp.Eventually(t, "the upload is under way", func() bool { return s.offset(id) == 5 })
	if a := s.do("DELETE", "/upload/"+id, tus(nil), nil); a.status != http.StatusNoContent {
		t.Fatalf("DELETE = %d %s", a.status, a.body)
	}
	mustRefuse(t, <-done, http.StatusLocked)
}
