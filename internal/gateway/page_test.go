package gateway

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestListenPage(t *testing.T) {
	s := newStation(t, Options{})
	a := s.do("GET", "/listen/"+s.growing(noise(10)), nil, nil)
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("page = %d %v", a.status, a.header)
	}
	for _, forbidden := range []string{" style=", " onclick=", "http://", "https://", "<style", "data:"} {
		if strings.Contains(string(a.body), forbidden) {
			t.Errorf("the page has %s, which its policy forbids", forbidden)
		}
	}
	mustHave(t, a.header, map[string]string{
		"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache",
		"Content-Security-Policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; " +
			"img-src 'self'; media-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	})
	if a := s.do("GET", "/listen/AAAAAAAAAAAAAAAAAAAAAA", nil, nil); a.status != http.StatusNotFound || !strings.Contains(string(a.body), "<html") {
		t.Errorf("a show that is not there = %d, want the page, which says so", a.status)
	}
}

// TestListenPageIsWhole fetches everything that the page refers to, and counts
// what a listener has to load before the first sound.
func TestListenPageIsWhole(t *testing.T) {
	s := newStation(t, Options{})
	reference := regexp.MustCompile(`(?:href|src)="(player/[^"#]+)"`)
	page := s.do("GET", "/listen/"+s.growing(noise(10)), nil, nil)
	found := reference.FindAllStringSubmatch(string(page.body), -1)
	if len(found) < 10 {
		t.Fatalf("the page refers to %d files", len(found))
	}
	loaded := 0
	for _, match := range found {
		for _, encoding := range []string{"gzip", "identity"} {
			a := s.do("GET", "/listen/"+match[1], headers{"Accept-Encoding": encoding}, nil)
			if a.status != http.StatusOK || len(a.body) == 0 || (a.header.Get("Content-Encoding") == "gzip") != (encoding == "gzip") {
				t.Errorf("%s as %s = %d %v", match[1], encoding, a.status, a.header)
			}
			if encoding == "gzip" {
				loaded += len(a.body)
			}
			again := s.do("GET", "/listen/"+match[1], headers{"If-None-Match": a.header.Get("ETag")}, nil)
			if again.status != http.StatusNotModified || len(again.body) > 0 {
				t.Errorf("%s again = %d, want 304", match[1], again.status)
			}
		}
	}
	if loaded > 60<<10 {
		t.Errorf("the page loads %d bytes, want less than 60 kB", loaded)
	}
	t.Logf("%d files, %d bytes", len(found), loaded)
}

func TestEmbedders(t *testing.T) {
	s := newStation(t, Options{Embedders: []string{"https://chat.example.org", "http://127.0.0.1:8080"}})
	a := s.do("GET", "/listen/"+s.growing(noise(10)), nil, nil)
	if policy := a.header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "; frame-ancestors https://chat.example.org http://127.0.0.1:8080") {
		t.Errorf("policy %q", policy)
	}
	for _, bad := range []string{"", "*", "chat.example.org", "https://chat.example.org/", "https://a b", "https://a;script-src *", "javascript:1", "https://a,b"} {
		if _, err := New(Options{Dir: t.TempDir(), Token: "x", Embedders: []string{bad}}); err == nil {
			t.Errorf("%q is taken for an origin", bad)
		}
	}
}

func mustHave(t testing.TB, header http.Header, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := header.Get(name); got != value {
			t.Errorf("%s: %s, want %s", name, got, value)
		}
	}
}
