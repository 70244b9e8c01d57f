// Package player is the listen page, which plays a show in a browser: it has
// the page's files, and sends them.
//
// Its JavaScript is plain modules, without a build step. index.html begins
// with main.js, which wires what the listener sees and does (ui/) to the
// player (player.js; recording.js is what it knows of the show). A block goes
// through these folders on its way to the ear:
//
//	format/  what the bytes of a show mean: FORMAT.md, Ogg, Opus, links
//	fetch/   requests, retries and seeking
//	sound/   decoder, loudspeaker, distance to the live edge
//
// vendor/ is the work of others, testing/ is for the tests beside the modules.
package player

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

//go:embed *.html *.css *.svg *.js format/*.js fetch/*.js sound/*.js ui/*.js vendor/*.js
var files embed.FS

// Page sends the files of the listen page. Make one with [New].
type Page struct {
	files  map[string]file // by their path in this folder
	policy string          // Content-Security-Policy
}

// file is ready to be sent.
type file struct {
	contentType  string
	etag         string // a weak one (RFC 9110, 8.8.1): it stands for both
	plain, small []byte // as it is, and as gzip
}

// contentTypes do not come from the system, which may know others: a browser
// runs no script of another type.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// New prepares the files. Pages of the origins in embedders, such as
// https://chat.example.org, may show the listen page in a frame.
func New(embedders []string) (*Page, error) {
	if err := CheckEmbedders(embedders); err != nil {
		return nil, err
	}
	p := &Page{files: map[string]file{}, policy: policy(embedders)}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		if path.Ext(name) == ".js" && path.Dir(name) != "vendor" {
			raw = withoutComments(raw)
		}
		p.files[name] = newFile(name, raw)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load the listen page: %w", err)
	}
	return p, nil
}

// withoutComments empties the lines of a module that are nothing but comments. That saves listeners
// a third of what they load, and every line keeps its number.
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
	var small bytes.Buffer
	w, _ := gzip.NewWriterLevel(&small, gzip.BestCompression) // the level exists
	w.Write(raw)                                              // a buffer takes all
	w.Close()
	sum := sha256.Sum256(raw)
	return file{
		contentType: contentTypes[path.Ext(name)],
		etag:        `W/"` + hex.EncodeToString(sum[:8]) + `"`,
		plain:       raw,
		small:       small.Bytes(),
	}
}

// policy is the page's Content-Security-Policy: it runs no script but the
// gateway's own, so nothing else can read the key behind the address's #. The
// one thing beyond is WebAssembly, for the decoder of browsers that have none.
func policy(embedders []string) string {
	ancestors := "'none'"
	if len(embedders) > 0 {
		ancestors = strings.Join(embedders, " ")
	}
	return "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
		"media-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors " + ancestors
}

// CheckEmbedders refuses what is no origin: anything else in the page's policy
// could undo the rest of it.
func CheckEmbedders(origins []string) error {
	for _, origin := range origins {
		u, err := url.Parse(origin)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.Scheme+"://"+u.Host != origin || strings.ContainsAny(origin, " ;,'\"") {
			return fmt.Errorf("%q is not an origin like https://chat.example.org", origin)
		}
	}
	return nil
}

// ServeIndex sends the page itself with a status. The page is the same for
// every show: which one it is about, and its key, are in the address. So it is
// also sent for one that is not there, and then says so.
func (p *Page) ServeIndex(w http.ResponseWriter, r *http.Request, status int) {
	p.send(w, r, p.files["index.html"], status)
}

// ServeAsset sends a file that the page refers to as player/name, and reports
// whether there is one.
func (p *Page) ServeAsset(w http.ResponseWriter, r *http.Request, name string) (found bool) {
	file, found := p.files[name]
	if found {
		p.send(w, r, file, http.StatusOK)
	}
	return found
}

func (p *Page) send(w http.ResponseWriter, r *http.Request, file file, status int) {
	h := w.Header()
	h.Set("Content-Security-Policy", p.policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", file.etag)
	h.Add("Vary", "Accept-Encoding")
	h.Set("Content-Type", file.contentType)
	body := file.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = file.small
	}
	if status == http.StatusOK {
		whole := r.Clone(r.Context())
		whole.Header.Del("Range")                                           // nobody needs a part of a page
		http.ServeContent(w, whole, "", time.Time{}, bytes.NewReader(body)) // knows If-None-Match
		return
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(body) // who is gone does not need the rest
	}
}
