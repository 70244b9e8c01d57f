package webpage

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

const module = `// One.
import { a } from "./a.js"; // stays
/** Two. */
export const b = /** @type {string} */ (a);
/**
 * Three: a/b.
 */
function c() {
  /** @type {number} */ (b).d();
  // Four.
  return "/** no comment */" / 2;
}
`

const stripped = `
import { a } from "./a.js"; // stays

export const b = /** @type {string} */ (a);



function c() {
  /** @type {number} */ (b).d();

  return "/** no comment */" / 2;
}
`

// mustSend asks for a file with some headers.
func mustSend(t *testing.T, name string, status int, header map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	folder := fstest.MapFS{"index.html": {Data: []byte("<html>")}, "ui/a.js": {Data: []byte(module)}, "vendor/b.js": {Data: []byte(module)}}
	files, err := Load(folder, map[string]string{"Content-Security-Policy": "default-src 'none'"})
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequest("GET", "/", nil)
	for key, value := range header {
		request.Header.Set(key, value)
	}
	answer := httptest.NewRecorder()
	if found := files.Send(answer, request, name, status); found != (name != "nothing.js") {
		t.Fatalf("%s: found is %v", name, found)
	}
	return answer
}

func TestSend(t *testing.T) {
	a := mustSend(t, "ui/a.js", http.StatusOK, nil)
	for name, want := range map[string]string{
		"Content-Type": "text/javascript; charset=utf-8", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
		"Cache-Control": "no-cache", "Vary": "Accept-Encoding", "Content-Security-Policy": "default-src 'none'",
	} {
		if got := a.Header().Get(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	again := mustSend(t, "ui/a.js", http.StatusOK, map[string]string{"If-None-Match": a.Header().Get("ETag")})
	if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("asked again: %d, want 304", again.Code)
	}
	if small := mustSend(t, "ui/a.js", http.StatusOK, map[string]string{"Accept-Encoding": "gzip"}); small.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("not compressed: %v", small.Header())
	}
	if gone := mustSend(t, "index.html", http.StatusGone, nil); gone.Code != http.StatusGone || gone.Body.String() != "<html>" {
		t.Errorf("with a status: %d %q", gone.Code, gone.Body)
	}
	mustSend(t, "nothing.js", http.StatusOK, nil)
}

// TestCommentsStayAtHome: what is sent differs from the module in lines of comment only, and what
// others have made is sent as it is.
func TestCommentsStayAtHome(t *testing.T) {
	if got := mustSend(t, "ui/a.js", http.StatusOK, nil).Body.String(); got != stripped {
		t.Errorf("sent is\n%s\nwant\n%s", got, stripped)
	}
	if got := mustSend(t, "vendor/b.js", http.StatusOK, nil).Body.String(); got != module {
		t.Errorf("sent of another's is\n%s", got)
	}
}

// TestNoPartOfPage: a part would be one of the compressed file, of which nobody can make anything.
func TestNoPartOfPage(t *testing.T) {
	for _, want := range []string{"bytes=0-9", "bytes=99999999-"} {
		a := mustSend(t, "ui/a.js", http.StatusOK, map[string]string{"Range": want})
		if a.Code != http.StatusOK || !strings.HasSuffix(a.Body.String(), "}\n") {
			t.Errorf("%s = %d, %d bytes, want the whole file", want, a.Code, a.Body.Len())
		}
	}
}
