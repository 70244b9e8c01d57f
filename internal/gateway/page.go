package gateway

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
)

//go:embed player/*.html player/*.css player/*.svg player/*.js player/ui/*.js player/vendor/*.js
var playerFiles embed.FS

// pageFile is a file of the listen page, ready to be sent.
type pageFile struct {
	contentType  string
	etag         string
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

// loadPage prepares the files of the listen page by their path below player/.
func loadPage() (map[string]pageFile, error) {
	files := map[string]pageFile{}
	err := fs.WalkDir(playerFiles, "player", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := playerFiles.ReadFile(name)
		if err != nil {
			return err
		}
		files[strings.TrimPrefix(name, "player/")] = newPageFile(name, raw)
		return nil
	})
	return files, err
}

func newPageFile(name string, raw []byte) pageFile {
	var small bytes.Buffer
	w, _ := gzip.NewWriterLevel(&small, gzip.BestCompression) // the level exists
	w.Write(raw)                                              // a buffer takes all
	w.Close()
	sum := sha256.Sum256(raw)
	return pageFile{
		contentType: contentTypes[path.Ext(name)],
		etag:        `"` + hex.EncodeToString(sum[:8]) + `"`,
		plain:       raw,
		small:       small.Bytes(),
	}
}

// pagePolicy is the page's Content-Security-Policy: it runs no script but the
// gateway's own, so nothing else can read the key behind the address's #. The
// one thing beyond is WebAssembly, for the decoder of browsers that have none.
func pagePolicy(embedders []string) string {
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

// listenPage answers GET /listen/{id}. The page is the same for every
// recording: which one it is about, and its key, are in the address. So it is
// also given for one that is not there, and then says so.
func (g *Gateway) listenPage(w http.ResponseWriter, r *http.Request) error {
	status := http.StatusOK
	rec, err := g.shelf.acquire(r.PathValue("id"))
	var no refusal
	switch {
	case err == nil:
		g.shelf.release(rec)
	case errors.As(err, &no) && no.status < 500:
		status = no.status
	default:
		return err
	}
	g.sendPageFile(w, r, g.page["index.html"], status)
	return nil
}

// pageAsset answers GET /listen/player/{file}.
func (g *Gateway) pageAsset(w http.ResponseWriter, r *http.Request) error {
	file, ok := g.page[r.PathValue("file")]
	if !ok {
		return errNotFound
	}
	g.sendPageFile(w, r, file, http.StatusOK)
	return nil
}

func (g *Gateway) sendPageFile(w http.ResponseWriter, r *http.Request, file pageFile, status int) {
	h := w.Header()
	h.Set("Content-Security-Policy", g.pagePolicy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", file.etag)
	h.Add("Vary", "Accept-Encoding")
	if status == http.StatusOK && mentions(r.Header.Get("If-None-Match"), file.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", file.contentType)
	body := file.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = file.small
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(body) // who is gone does not need the rest
	}
}
