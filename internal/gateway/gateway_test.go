package gateway

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

func TestNewRefuses(t *testing.T) {
	for name, o := range map[string]Options{
		"no token":                {},
		"address without scheme":  {Token: "x", PublicURL: "radio.example.org"},
		"address of another kind": {Token: "x", PublicURL: "ftp://radio.example.org"},
		"address with fragment":   {Token: "x", PublicURL: "https://radio.example.org/#key"},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: New accepted it", name)
		}
	}
}

func TestAddresses(t *testing.T) {
	s := newStation(t, Options{})
	id := s.growing(noise(10))
	for _, test := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/", 404, ""},
		{"GET", "/live", 404, ""},
		{"GET", "/live/", 404, ""},
		{"GET", "/upload", 405, "OPTIONS, POST"},
		{"GET", "/upload/" + id, 405, "DELETE, HEAD, OPTIONS, PATCH"},
		{"POST", "/live/" + id, 405, "GET, HEAD, OPTIONS"},
		{"DELETE", "/live/" + id, 405, "GET, HEAD, OPTIONS"},
		{"POST", "/healthz", 405, "GET, HEAD"},
		{"GET", "/live/AAAAAAAAAAAAAAAAAAAAAA", 404, ""},
		{"GET", "/live/" + id[:21] + "!", 404, ""},
		{"GET", "/live/" + id + ".part", 404, ""},
		{"GET", "/live/..%2f" + id, 404, ""},
		{"GET", "/listen/player/nothing.js", 404, ""},
		{"POST", "/listen/" + id, 405, "GET, HEAD"},
	} {
		a := s.do(test.method, test.path, nil, nil)
		if a.status != test.status || a.header.Get("Allow") != test.allow {
			t.Errorf("%s %s = %d, Allow %q; want %d, %q", test.method, test.path, a.status, a.header.Get("Allow"), test.status, test.allow)
		}
		mustRefuse(t, a, test.status)
	}
}

// mustRefuse checks the form of a refusal: Matrix's, and not to be cached.
func mustRefuse(t testing.TB, a answer, status int) {
	t.Helper()
	var refusal struct{ Errcode, Error string }
	if err := json.Unmarshal(a.body, &refusal); err != nil || refusal.Errcode == "" || refusal.Error == "" {
		t.Errorf("body %q is no Matrix error (%v)", a.body, err)
	}
	if a.status != status || a.header.Get("Content-Type") != "application/json" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("refusal = %d %v, want %d", a.status, a.header, status)
	}
}

func TestHealth(t *testing.T) {
	s := newStation(t, Options{})
	id := s.growing(noise(1000))
	mustRead(t, s.follow(id, 0), noise(1000))
	var health struct {
		Status          string
		Listeners, Live int
		BytesIn         int `json:"bytes_in"`
		BytesOut        int `json:"bytes_out"`
	}
	a := s.do("GET", "/healthz", nil, nil)
	if err := json.Unmarshal(a.body, &health); err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	if health.Status != "ok" || health.Live != 1 || health.BytesIn != 1000 || health.BytesOut < 1000 || health.Listeners < 1 {
		t.Errorf("health = %+v", health)
	}
}

func TestLogHasNoSecrets(t *testing.T) {
	var log bytes.Buffer
	s := newStation(t, Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	id := s.finished(noise(10))
	s.do("GET", "/live/"+id+"?key=hush", nil, nil)
	s.do("GET", "/nowhere?key=hush", nil, nil)
	s.do("DELETE", "/upload/"+id, headers{"Authorization": "Bearer hush"}, nil)
	s.stop() // nobody writes any more
	if !strings.Contains(log.String(), "/nowhere") {
		t.Error("requests are not logged")
	}
	for _, secret := range []string{"hush", testToken} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has %q:\n%s", secret, log.String())
		}
	}
}
