package gateway

import (
	"bytes"
	"net/http"
	"strconv"
	"testing"

	"broadcastbot/internal/testhelp"
)

const (
	immutable = "public, max-age=3600, immutable"
	brief     = "public, max-age=10, must-revalidate"
	noStore   = "no-store"
)

// TestRanges asks for parts of a recording of 1000 bytes, finished and growing. What follows is
// tested in follow_test.go.
func TestRanges(t *testing.T) {
	s := newStation(t, Options{})
	data := noise(1000)
	finished, growing := s.finished(data), s.growing(data)
	for _, test := range []struct {
		id, rng      string
		status       int
		first, end   int // of the body
		contentRange string
		cache        string
	}{
		{finished, "", 200, 0, 1000, "", immutable},
		{finished, "bytes=0-", 206, 0, 1000, "bytes 0-999/1000", immutable},
		{finished, "bytes=10-", 206, 10, 1000, "bytes 10-999/1000", immutable},
		{finished, "bytes=10-19", 206, 10, 20, "bytes 10-19/1000", immutable},
		{finished, "bytes=999-999", 206, 999, 1000, "bytes 999-999/1000", immutable},
		{finished, "bytes=990-2000", 206, 990, 1000, "bytes 990-999/1000", immutable},
		{finished, "bytes=-10", 206, 990, 1000, "bytes 990-999/1000", immutable},
		{finished, "bytes=-2000", 206, 0, 1000, "bytes 0-999/1000", immutable},
		{finished, followRange(500), 206, 500, 1000, "bytes 500-999/1000", immutable},
		{finished, "bytes=1000-", 416, 0, 0, "bytes */1000", noStore},
		{finished, "bytes=1000-2000", 416, 0, 0, "bytes */1000", noStore},
		{finished, followRange(1000), 416, 0, 0, "bytes */1000", noStore},
		{finished, "bytes=-0", 416, 0, 0, "bytes */1000", noStore},
		{finished, "bytes=9-5", 416, 0, 0, "", noStore},
		{finished, "bytes=0-1,5-6", 200, 0, 1000, "", immutable},
		{finished, "lines=1-2", 200, 0, 1000, "", immutable},

		{growing, "bytes=0-", 206, 0, 1000, "bytes 0-999/*", noStore},
		{growing, "bytes=10-", 206, 10, 1000, "bytes 10-999/*", noStore},
		{growing, "bytes=10-19", 206, 10, 20, "bytes 10-19/*", brief},
		{growing, "bytes=0-999", 206, 0, 1000, "bytes 0-999/*", brief},
		{growing, "bytes=990-2000", 206, 990, 1000, "bytes 990-999/*", noStore},
		{growing, "bytes=-10", 206, 990, 1000, "bytes 990-999/*", noStore},
		{growing, "bytes=-0", 416, 0, 0, "", noStore},
		{growing, "bytes=9-5", 416, 0, 0, "", noStore},
	} {
		a := s.do("GET", "/live/"+test.id, headers{"Range": test.rng}, nil)
		head := s.do("HEAD", "/live/"+test.id, headers{"Range": test.rng}, nil)
		name := test.rng + " of the growing one"
		if test.id == finished {
			name = test.rng + " of the finished one"
		}
		if a.status != test.status || a.header.Get("Content-Range") != test.contentRange || a.header.Get("Cache-Control") != test.cache {
			t.Errorf("%s = %d, %q, %q", name, a.status, a.header.Get("Content-Range"), a.header.Get("Cache-Control"))
		}
		for _, field := range []string{"Content-Range", "Cache-Control", "Content-Length", "ETag", "Content-Type"} {
			if head.status != a.status || head.header.Get(field) != a.header.Get(field) {
				t.Errorf("%s: HEAD says %d, %s %q; GET says %d, %q", name,
					head.status, field, head.header.Get(field), a.status, a.header.Get(field))
			}
		}
		if test.status == http.StatusRequestedRangeNotSatisfiable {
			mustRefuse(t, a, test.status)
			continue
		}
		if !bytes.Equal(a.body, data[test.first:test.end]) || a.header.Get("Content-Length") != strconv.Itoa(test.end-test.first) {
			t.Errorf("%s: %d bytes, Content-Length %q", name, len(a.body), a.header.Get("Content-Length"))
		}
		if hasTag := a.header.Get("ETag") != ""; hasTag != (test.cache != noStore) {
			t.Errorf("%s: ETag %q", name, a.header.Get("ETag"))
		}
		if a.header.Get("Content-Type") != "application/octet-stream" || a.header.Get("Accept-Ranges") != "bytes" {
			t.Errorf("%s: %v", name, a.header)
		}
	}
}

func TestEmptyRecordings(t *testing.T) {
	s := newStation(t, Options{})
	finished, growing := s.finished(nil), s.begin()
	if a := s.do("GET", "/live/"+finished, nil, nil); a.status != 200 || len(a.body) != 0 || a.header.Get("Content-Length") != "0" {
		t.Errorf("GET = %d, %d bytes", a.status, len(a.body))
	}
	if a := s.do("GET", "/live/"+finished, headers{"Range": "bytes=0-"}, nil); a.status != 416 || a.header.Get("Content-Range") != "bytes */0" {
		t.Errorf("GET with range = %d %v", a.status, a.header)
	}
	for rng, status := range map[string]int{"": 200, "bytes=0-": 416, "bytes=-5": 416, followRange(0): 206, followRange(1): 416} {
		a := s.do("HEAD", "/live/"+growing, headers{"Range": rng}, nil) // never waits
		if a.status != status {
			t.Errorf("HEAD %s of an empty growing recording = %d, want %d", rng, a.status, status)
		}
	}
}

func TestConditions(t *testing.T) {
	s := newStation(t, Options{})
	finished, growing := s.finished(noise(1000)), s.growing(noise(1000))
	tag := func(id string) string {
		return s.do("HEAD", "/live/"+id, headers{"Range": "bytes=0-9"}, nil).header.Get("ETag")
	}
	for _, test := range []struct {
		id     string
		h      headers
		status int
	}{
		{finished, headers{"If-None-Match": tag(finished)}, 304},
		{finished, headers{"If-None-Match": `"x", W/` + tag(finished)}, 304},
		{finished, headers{"If-None-Match": "*"}, 304},
		{finished, headers{"If-None-Match": `"x"`}, 200},
		{finished, headers{"If-None-Match": tag(finished), "Range": "bytes=0-9"}, 304},
		{finished, headers{"If-Range": tag(finished), "Range": "bytes=0-9"}, 206},
		{finished, headers{"If-Range": `"x"`, "Range": "bytes=0-9"}, 200},
		{finished, headers{"If-Range": "Mon, 23 Nov 2026 12:00:00 GMT", "Range": "bytes=0-9"}, 200},
		{growing, headers{"If-Range": tag(growing), "Range": "bytes=0-9"}, 206},
		{growing, headers{"If-None-Match": tag(growing), "Range": "bytes=0-9"}, 304},
		{growing, headers{"If-None-Match": tag(growing), "Range": "bytes=0-"}, 206}, // there may be more by now
	} {
		if a := s.do("GET", "/live/"+test.id, test.h, nil); a.status != test.status {
			t.Errorf("%v = %d, want %d", test.h, a.status, test.status)
		}
	}
}

func TestCrossOrigin(t *testing.T) {
	s := newStation(t, Options{})
	id := s.finished(noise(10))
	for _, test := range []struct{ method, path string }{
		{"GET", "/live/" + id}, {"HEAD", "/live/" + id}, {"OPTIONS", "/live/" + id}, {"GET", "/live/AAAAAAAAAAAAAAAAAAAAAA"},
	} {
		a := s.do(test.method, test.path, headers{"Origin": "https://app.example.org"}, nil)
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin":   "*",
			"Access-Control-Expose-Headers": "Content-Range, Accept-Ranges, Content-Length, ETag",
			"Cross-Origin-Resource-Policy":  "cross-origin",
			"X-Content-Type-Options":        "nosniff",
		} {
			if a.header.Get(name) != want {
				t.Errorf("%s %s: %s: %q", test.method, test.path, name, a.header.Get(name))
			}
		}
	}
	a := s.do("OPTIONS", "/live/"+id, headers{"Access-Control-Request-Headers": "range", "Access-Control-Request-Method": "GET"}, nil)
	if a.status != 204 || a.header.Get("Access-Control-Allow-Methods") != "GET, HEAD" ||
		a.header.Get("Access-Control-Allow-Headers") != "Range, If-Range, If-None-Match" || a.header.Get("Access-Control-Max-Age") != "86400" {
		t.Errorf("preflight = %d %v", a.status, a.header)
	}
	if a := s.do("GET", "/upload", headers{"Origin": "https://app.example.org"}, nil); a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("uploads are open to the pages of others")
	}
}

// TestWaitsBeyondTheEdge asks for what does not exist yet.
func TestWaitsBeyondTheEdge(t *testing.T) {
	data := noise(2000)
	for _, test := range []struct {
		rng          string
		contentRange string
		first, end   int
	}{
		{"bytes=1000-", "bytes 1000-1499/*", 1000, 1500},
		{"bytes=1200-", "bytes 1200-1499/*", 1200, 1500},
		{"bytes=1200-1300", "bytes 1200-1300/*", 1200, 1301},
		{"bytes=1200-1900", "bytes 1200-1499/*", 1200, 1500},
		{followRange(1200), "bytes 1200-9007199254740991/*", 1200, 2000},
	} {
		t.Run(test.rng, func(t *testing.T) {
			s := newStation(t, Options{})
			id := s.growing(data[:1000])
			done := make(chan answer, 1)
			go func() { done <- s.do("GET", "/live/"+id, headers{"Range": test.rng}, nil) }()
			testhelp.Eventually(t, "the request waits", func() bool { return s.holders() == 2 })
			s.grow(id, 1000, nil)
			select {
			case a := <-done:
				t.Fatalf("it did not wait: %d %v", a.status, a.header)
			default:
			}
			s.grow(id, 1000, data[1000:1500])
			if test.end == 2000 {
				s.grow(id, 1500, data[1500:])
				s.finish(id, 2000)
			}
			a := <-done
			if a.status != 206 || a.header.Get("Content-Range") != test.contentRange || !bytes.Equal(a.body, data[test.first:test.end]) {
				t.Errorf("%d %q, %d bytes, %v", a.status, a.header.Get("Content-Range"), len(a.body), a.err)
			}
		})
	}
}

// holders returns how many hold the one recording of a test, the catalogue included.
func (s *station) holders() int { return s.gateway.catalogue.Stats().Holders }

// TestWaitEnds ends the wait for bytes that will never come.
func TestWaitEnds(t *testing.T) {
	for name, test := range map[string]struct {
		end    func(*station, string)
		status int
	}{
		"finished": {func(s *station, id string) { s.finish(id, 1000) }, 416},
		"removed":  {func(s *station, id string) { s.do("DELETE", "/upload/"+id, tus(nil), nil) }, 410},
		"closed":   {func(s *station, id string) { s.gateway.Close() }, 503},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStation(t, Options{})
			id := s.growing(noise(1000))
			done := make(chan answer, 1)
			go func() { done <- s.do("GET", "/live/"+id, headers{"Range": "bytes=1500-"}, nil) }()
			testhelp.Eventually(t, "the request waits", func() bool { return s.holders() == 2 })
			test.end(s, id)
			mustRefuse(t, <-done, test.status)
		})
	}
	t.Run("listener leaves", func(t *testing.T) {
		s := newStation(t, Options{})
		id := s.growing(noise(1000))
		conn := s.dial("GET /live/" + id + " HTTP/1.1\nHost: x\nRange: bytes=1500-\n\n")
		testhelp.Eventually(t, "the request waits", func() bool { return s.holders() == 2 })
		conn.Close()
		testhelp.Eventually(t, "the gateway has noticed", func() bool { return s.holders() == 1 })
	})
}
