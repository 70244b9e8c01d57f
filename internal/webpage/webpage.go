// Package webpage sends the files of a page: compressed, asked for again before each use, and under
// one policy, so that a browser runs nothing but what comes from here.
package webpage

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// Files are ready to be sent. Make them with [Load].
type Files struct {
	files  map[string]file
	header map[string]string
}

// file is what is sent for one name.
type file struct {
	contentType string
	etag        string // a weak one (RFC 9110, 8.8.1): it stands for both
	plain       []byte
	small       func() []byte // as gzip, compressed when it is first asked for
}

// contentTypes do not come from the system, which may know others: a browser runs no script of
// another type.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".mjs":  "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// Load prepares all files of a folder, under their paths in it. Each is sent with the fields in
// header, such as Content-Security-Policy, beside those that every file has.
func Load(folder fs.FS, header map[string]string) (*Files, error) {
	f := &Files{files: map[string]file{}, header: header}
	err := fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(folder, name)
		if err != nil {
			return err
		}
		if path.Ext(name) == ".js" && !strings.Contains(name, "vendor/") {
			raw = withoutComments(raw)
		}
		f.files[name] = newFile(name, raw)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load the page: %w", err)
	}
	return f, nil
}

// Policy returns the Content-Security-Policy of a page that runs no script but the station's own, so
// that nothing else can read the secret behind the address's #. The one thing beyond is WebAssembly, for
// codecs of browsers that have none. The pages of ancestors, such as 'none', may show it in a frame;
// further directives allow more.
func Policy(ancestors string, further ...string) string {
	return strings.Join(slices.Concat([]string{
		"default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "style-src 'self'", "connect-src 'self'", "img-src 'self'",
	}, further, []string{"base-uri 'none'", "form-action 'none'", "frame-ancestors " + ancestors}), "; ")
}

// withoutComments empties the lines of a module that are nothing but comments. That saves people a
// third of what they load, and every line keeps its number.
func withoutComments(module []byte) []byte {
	lines := bytes.Split(module, []byte("\n"))
	inside := false
	for i, line := range lines {
		line = bytes.TrimSpace(line)
		ends := bytes.HasSuffix(line, []byte("*/"))
		begins := bytes.HasPrefix(line, []byte("/**")) && (ends || !bytes.Contains(line, []byte("*/")))
		if inside || begins || bytes.HasPrefix(line, []byte("//")) {
			lines[i] = nil
		}
		inside = (inside || begins) && !ends
	}
	return bytes.Join(lines, []byte("\n"))
}

func newFile(name string, raw []byte) file {
	sum := sha256.Sum256(raw)
	return file{
		contentType: contentTypes[path.Ext(name)],
		etag:        `W/"` + hex.EncodeToString(sum[:8]) + `"`,
		plain:       raw,
		small:       sync.OnceValue(func() []byte { return compress(raw) }),
	}
}

func compress(raw []byte) []byte {
	var small bytes.Buffer
	w, _ := gzip.NewWriterLevel(&small, gzip.BestCompression) // the level exists
	w.Write(raw)                                              // a buffer takes all
	w.Close()
	return small.Bytes()
}

// Send sends a file with a status, and reports whether there is one.
func (f *Files) Send(w http.ResponseWriter, r *http.Request, name string, status int) (found bool) {
	file, found := f.files[name]
	if !found {
		return false
	}
	h := w.Header()
	for name, value := range f.header {
		h.Set(name, value)
	}
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", file.etag)
	h.Add("Vary", "Accept-Encoding")
	h.Set("Content-Type", file.contentType)
	body := file.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = file.small()
	}
	if status == http.StatusOK {
		whole := r.Clone(r.Context())
		whole.Header.Del("Range")                                           // nobody needs a part of a page
		http.ServeContent(w, whole, "", time.Time{}, bytes.NewReader(body)) // knows If-None-Match
		return true
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(body) // who is gone does not need the rest
	}
	return true
}
