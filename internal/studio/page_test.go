package studio

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// ask asks the page's handler.
func ask(handler http.Handler, method, path string, header map[string]string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, nil)
	for key, value := range header {
		request.Header.Set(key, value)
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer
}

func TestPage(t *testing.T) {
	a := ask(Handler(), "GET", "/studio/", nil)
	for _, forbidden := range []string{" style=", " onclick=", "http://", "https://", "<style", "data:"} {
		if strings.Contains(a.Body.String(), forbidden) {
			t.Errorf("the page has %s, which its policy forbids", forbidden)
		}
	}
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache",
		"Content-Security-Policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; " +
			"img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	} {
		if got := a.Header().Get(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if a.Code != http.StatusOK || !strings.Contains(a.Header().Get("Permissions-Policy"), "microphone=(self)") {
		t.Errorf("page = %d %v", a.Code, a.Header())
	}
}

func TestOtherRequests(t *testing.T) {
	handler := Handler()
	for path, want := range map[string]int{
		"/studio/studio/main.js": 200, "/studio/player/base.css": 200, "/studio/studio/vendor/libopus-wasm/generated/libopus.generated.mjs": 200,
		"/studio/main.js": 404, "/studio/player/index.html": 404, "/studio/player/main.js": 404, "/studio/studio/../player/base.css": 404,
		"/studio/studio/": 404, "/studio//": 200, "/studio/studio/page.go": 404, "/studio/studio/package.json": 404,
	} {
		if a := ask(handler, "GET", path, nil); a.Code != want {
			t.Errorf("%s = %d, want %d", path, a.Code, want)
		}
	}
	if a := ask(handler, "POST", "/studio/", nil); a.Code != http.StatusMethodNotAllowed || a.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST = %d %v", a.Code, a.Header())
	}
}

// TestPageIsWhole fetches everything that the page refers to, and counts what a speaker has to load
// before they can speak.
func TestPageIsWhole(t *testing.T) {
	handler := Handler()
	reference := regexp.MustCompile(`(?:href|src)="((?:studio|player)/[^"#]+)"`)
	found := reference.FindAllStringSubmatch(ask(handler, "GET", "/studio/", nil).Body.String(), -1)
	if len(found) < 10 {
		t.Fatalf("the page refers to %d files", len(found))
	}
	loaded := 0
	for _, match := range found {
		for _, encoding := range []string{"gzip", "identity"} {
			a := ask(handler, "GET", "/studio/"+match[1], map[string]string{"Accept-Encoding": encoding})
			if a.Code != http.StatusOK || a.Body.Len() == 0 || (a.Header().Get("Content-Encoding") == "gzip") != (encoding == "gzip") {
				t.Errorf("%s as %s = %d %v", match[1], encoding, a.Code, a.Header())
			}
			if encoding == "gzip" {
				loaded += a.Body.Len()
			}
			again := ask(handler, "GET", "/studio/"+match[1], map[string]string{"If-None-Match": a.Header().Get("ETag")})
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
