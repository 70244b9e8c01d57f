package gateway

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"broadcastbot/internal/recordings"
)

// live answers GET and HEAD /live/{id}, and /live/{id}.opus, which is the same file for media
// players. They are refused a recording that they cannot play.
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
	p, err := wantedPart(r, rec, forPlayers)
	if err != nil {
		if p.finished {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", p.size))
		}
		return err
	}
	w.Header().Set("Content-Type", contentType)
	g.sendPart(w, r, rec, p)
	return nil
}

// wantedPart waits until there is something to give to the client, and returns what. After an error
// the part says how large the recording was, if that is known.
func wantedPart(r *http.Request, rec *recordings.Recording, forPlayers bool) (part, error) {
	want, err := wantedRange(r, rec)
	if err != nil {
		return part{}, err
	}
	if forPlayers && want.isWhole(r) && !rec.Finished() {
		want = nil
	}
	return awaitRange(r, rec, want)
}

// wantedRange returns the range to obey, nil for none. Unlike RFC 9110, RFC 8673 gives it a meaning
// for HEAD too.
func wantedRange(r *http.Request, rec *recordings.Recording) (*byteRange, error) {
	if cond := r.Header.Get("If-Range"); cond != "" && cond != etag(rec) {
		return nil, nil
	}
	return parseRange(r.Header.Get("Range"))
}

// isWhole reports whether a player asks for the whole file in the usual way, bytes=0-. RFC 8673
// answers that with what exists now, but players also want what is still to come.
func (want *byteRange) isWhole(r *http.Request) bool {
	return r.Method == http.MethodGet && want != nil && *want == byteRange{last: openEnd}
}

// awaitRange waits until the first byte of the range exists, and returns what to give of the
// recording. HEAD does not wait.
func awaitRange(r *http.Request, rec *recordings.Recording, want *byteRange) (part, error) {
	for {
		changed := rec.Changed()
		p, err := want.resolve(rec.Extent())
		if err != errAhead {
			return p, err
		}
		if r.Method == http.MethodHead {
			return p, errUnsatisfiable
		}
		if err := wait(r, rec, changed); err != nil {
			return p, err
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

// awaitOgg refuses a recording that players would play as noise. GET waits until enough of it
// exists to know; HEAD assumes that it will become one that they can play.
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

// openToBrowsers lets the pages of other origins read the answer: whoever has the address may.
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
