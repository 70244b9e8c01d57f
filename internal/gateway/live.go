package gateway

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"broadcastbot/internal/recordings"
)

// live answers GET and HEAD /live/{id}, and /live/{id}.opus, which is the same
// file for players, if it is one that they can play.
func (g *Gateway) live(w http.ResponseWriter, r *http.Request) error {
	openToBrowsers(w.Header())
	id, forPlayers := strings.CutSuffix(r.PathValue("id"), ".opus")
	rec, err := g.catalogue.Acquire(id)
	if err != nil {
		return err
	}
	defer rec.Release()
	contentType := "application/octet-stream"
	if forPlayers {
		if err := awaitOgg(r, rec); err != nil {
			return err
		}
		contentType = "audio/ogg; codecs=opus"
	}
	want, err := wantedRange(r, rec)
	if err != nil {
		return err
	}
	if forPlayers && want.meansWhole(r) && !rec.Finished() {
		want = nil
	}
	p, size, finished, err := awaitRange(r, rec, want)
	if err != nil {
		if finished {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", size))
		}
		return err
	}
	w.Header().Set("Content-Type", contentType)
	describePart(w.Header(), rec, p)
	if p.immutable && mentions(r.Header.Get("If-None-Match"), etag(rec)) {
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
func wantedRange(r *http.Request, rec *recordings.Recording) (*byteRange, error) {
	if cond := r.Header.Get("If-Range"); cond != "" && cond != etag(rec) {
		return nil, nil
	}
	return parseRange(r.Header.Get("Range"))
}

// meansWhole reports whether a player asks for the whole file in the usual way,
// bytes=0-, which RFC 8673 answers with what there is now. Of a show that
// grows players mean what is still to come too.
func (want *byteRange) meansWhole(r *http.Request) bool {
	return r.Method == http.MethodGet && want != nil && *want == byteRange{last: openEnd}
}

// awaitRange waits until the first byte of the range exists and returns what to
// give of the recording, which had size bytes then. HEAD does not wait.
func awaitRange(r *http.Request, rec *recordings.Recording, want *byteRange) (p part, size int64, finished bool, err error) {
	for {
		changed := rec.Changed()
		size, finished = rec.Extent()
		p, err = want.resolve(size, finished)
		if err != errAhead {
			return p, size, finished, err
		}
		if r.Method == http.MethodHead {
			return p, size, finished, errUnsatisfiable
		}
		if err := wait(r, rec, changed); err != nil {
			return p, size, finished, err
		}
	}
}

// wait returns at the next change of the recording.
func wait(r *http.Request, rec *recordings.Recording, changed <-chan struct{}) error {
	select {
	case <-changed:
		return nil
	case <-rec.Context().Done():
		return context.Cause(rec.Context())
	case <-r.Context().Done():
		return errCutOff // nobody reads the answer
	}
}

var errEncrypted = refusal{http.StatusNotFound, "M_NOT_FOUND", "This recording is encrypted: it can be played with its link, and not at this address."}

// awaitOgg refuses a recording that players would hear as noise. While there is
// too little of it to tell, GET waits, and HEAD takes it for what it may become.
func awaitOgg(r *http.Request, rec *recordings.Recording) error {
	const pattern = "OggS" // begins every page (RFC 3533, 6)
	for {
		changed := rec.Changed()
		size, finished := rec.Extent()
		start := make([]byte, min(size, int64(len(pattern))))
		if _, err := rec.ReadAt(start, 0); err != nil && err != io.EOF {
			return err
		}
		switch {
		case string(start) == pattern:
			return nil
		case finished || !strings.HasPrefix(pattern, string(start)):
			return errEncrypted
		case r.Method == http.MethodHead:
			return nil
		}
		if err := wait(r, rec, changed); err != nil {
			return err
		}
	}
}

// openToBrowsers lets the pages of other origins read the answer: whoever has
// the address may.
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

// describePart sets what caches and clients have to know about the part.
func describePart(h http.Header, rec *recordings.Recording, p part) {
	h.Set("Accept-Ranges", "bytes")
	if p.immutable {
		h.Set("ETag", etag(rec))
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
func etag(rec *recordings.Recording) string { return `"` + rec.ID() + `"` }

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
