package player

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func mustPage(t testing.TB, embedders ...string) *Page {
	t.Helper()
	page, err := New(embedders)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func index(page *Page, status int) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	page.ServeIndex(answer, httptest.NewRequest("GET", "/listen/x", nil), status)
	return answer
}

// mustAsset asks for a file with some headers.
func mustAsset(t testing.TB, page *Page, name string, header map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequest("GET", "/listen/player/"+name, nil)
	for key, value := range header {
		request.Header.Set(key, value)
	}
	answer := httptest.NewRecorder()
	if !page.ServeAsset(answer, request, name) {
		t.Fatalf("there is no %s", name)
	}
	return answer
}

func TestPage(t *testing.T) {
	page := mustPage(t)
	a := index(page, http.StatusOK)
	for _, forbidden := range []string{" style=", " onclick=", "http://", "https://", "<style", "data:"} {
		if strings.Contains(a.Body.String(), forbidden) {
			t.Errorf("the page has %s, which its policy forbids", forbidden)
		}
	}
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache",
		"Content-Security-Policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; " +
			"img-src 'self'; media-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	} {
		if got := a.Header().Get(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if a.Code != http.StatusOK {
		t.Errorf("page = %d", a.Code)
	}
	if a := index(page, http.StatusGone); a.Code != http.StatusGone || !strings.Contains(a.Body.String(), "<html") {
		t.Errorf("the page of a deleted show = %d", a.Code)
	}
	if page.ServeAsset(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), "nothing.js") {
		t.Error("a file that is not there was sent")
	}
}

// TestPageIsWhole fetches everything that the page refers to, and counts what a
// listener has to load before the first sound.
func TestPageIsWhole(t *testing.T) {
	page := mustPage(t)
	reference := regexp.MustCompile(`(?:href|src)="player/([^"#]+)"`)
	found := reference.FindAllStringSubmatch(index(page, http.StatusOK).Body.String(), -1)
	if len(found) < 10 {
		t.Fatalf("the page refers to %d files", len(found))
	}
	loaded := 0
	for _, match := range found {
		for _, encoding := range []string{"gzip", "identity"} {
			a := mustAsset(t, page, match[1], map[string]string{"Accept-Encoding": encoding})
			if a.Code != http.StatusOK || a.Body.Len() == 0 || (a.Header().Get("Content-Encoding") == "gzip") != (encoding == "gzip") {
				t.Errorf("%s as %s = %d %v", match[1], encoding, a.Code, a.Header())
			}
			if encoding == "gzip" {
				loaded += a.Body.Len()
			}
			again := mustAsset(t, page, match[1], map[string]string{"If-None-Match": a.Header().Get("ETag")})
			if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
				t.Errorf("%s again = %d, want 304", match[1], again.Code)
			}
		}
	}
	if loaded > 60<<10 {
		t.Errorf("the page loads %d bytes, want less than 60 kB", loaded)
	}
	t.Logf("%d files, %d bytes", len(found), loaded)
}

func TestEmbedders(t *testing.T) {
	a := index(mustPage(t, "https://chat.example.org", "http://127.0.0.1:8080"), http.StatusOK)
	if policy := a.Header().Get("Content-Security-Policy"); !strings.HasSuffix(policy, "; frame-ancestors https://chat.example.org http://127.0.0.1:8080") {
		t.Errorf("policy %q", policy)
	}
	for _, bad := range []string{"", "*", "chat.example.org", "https://chat.example.org/", "https://a b", "https://a;script-src *", "javascript:1", "https://a,b"} {
		if _, err := New([]string{bad}); err == nil {
			t.Errorf("%q is taken for an origin", bad)
		}
	}
}
