package gateway

import (
	"net/http"
	"strings"
	"testing"
)

func TestListenPage(t *testing.T) {
	s := newStation(t, Options{Embedders: []string{"https://chat.example.org"}})
	a := s.do("GET", "/listen/"+s.growing(noise(10)), nil, nil)
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("page = %d %v", a.status, a.header)
	}
	if policy := a.header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "; frame-ancestors https://chat.example.org") {
		t.Errorf("policy %q", policy)
	}
	if a := s.do("GET", "/listen/AAAAAAAAAAAAAAAAAAAAAA", nil, nil); a.status != http.StatusNotFound || !strings.Contains(string(a.body), "<html") {
		t.Errorf("a show that is not there = %d, want the page, which says so", a.status)
	}
	if a := s.do("GET", "/listen/player/main.js", nil, nil); a.status != http.StatusOK || a.header.Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("main.js = %d %v", a.status, a.header)
	}
	if _, err := New(Options{Token: "x", Embedders: []string{"*"}}); err == nil {
		t.Error("* is taken for an origin")
	}
}
