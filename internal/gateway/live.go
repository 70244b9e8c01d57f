package gateway

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// live answers GET and HEAD /live/{id}.
func (g *Gateway) live(w http.ResponseWriter, r *http.Request) error {
	openToBrowsers(w.Header())
	rec, err := g.shelf.acquire(r.PathValue("id"))
	if err != nil {
		return err
	}
	defer g.shelf.release(rec)
	want, err := wantedRange(r, rec)
	if err != nil {
		return err
	}
	p, size, finished, err := await(r, rec, want)
	if err != nil {
		if finished {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", size))
		}
		return err
	}
	describe(w.Header(), rec, p)
	if p.settled && mentions(r.Header.Get("If-None-Match"), rec.etag()) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	status := http.StatusOK
	if p.partial {
		status = http.StatusPartialContent
		w.Header().Set("Content-Range", p.contentRange(size, finished))
	}
	g.send(w, r, rec, p, status)
	return nil
}

// wantedRange returns the range to obey, nil for none. Unlike RFC 9110,
// RFC 8673 gives it a meaning for HEAD too.
func wantedRange(r *http.Request, rec *recording) (*byteRange, error) {
	if cond := r.Header.Get("If-Range"); cond != "" && cond != rec.etag() {
		return nil, nil
	}
	return parseRange(r.Header.Get("Range"))
}

// await waits until the first byte of the range exists and returns what to
// give of the recording, which had size bytes then. HEAD does not wait.
func await(r *http.Request, rec *recording, want *byteRange) (p part, size int64, finished bool, err error) {
	for {
		changed := rec.Changed()
		size, finished = rec.extent()
		p, err = want.of(size, finished)
		if err != errAhead {
			return p, size, finished, err
		}
		if r.Method == http.MethodHead {
			return p, size, finished, errUnsatisfiable
		}
		select {
		case <-changed:
		case <-rec.ctx.Done():
			return p, size, finished, context.Cause(rec.ctx)
		case <-r.Context().Done():
			return p, size, finished, errCutOff // nobody reads it
		}
	}
}

// openToBrowsers lets the pages of other origins read the answer: whoever has
// the address may, and it is ciphertext.
func openToBrowsers(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Content-Range, Accept-Ranges, Content-Length, ETag")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
}

// preflight answers what a browser asks before it sends a Range header.
func preflight(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	openToBrowsers(h)
	h.Set("Access-Control-Allow-Methods", "GET, HEAD")
	h.Set("Access-Control-Allow-Headers", "Range, If-Range, If-None-Match")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// describe sets what caches and clients have to know about the part.
func describe(h http.Header, rec *recording, p part) {
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Accept-Ranges", "bytes")
	if p.settled {
		h.Set("ETag", rec.etag())
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-store")
	}
	if p.follow {
		h.Set("X-Accel-Buffering", "no") // nginx in front passes on what comes as it comes
	} else {
		h.Set("Content-Length", strconv.FormatInt(p.last+1-p.first, 10))
	}
}

// etag is the same while the recording grows: a byte that is there never
// changes, so parts fetched at different times fit together.
func (rec *recording) etag() string { return `"` + rec.id + `"` }

// mentions reports whether an If-None-Match header lists the tag.
func mentions(header, tag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		if one == tag || one == "*" {
			return true
		}
	}
	return false
}
