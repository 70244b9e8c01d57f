package gateway

import (
	"net"
	"net/http"
	"strconv"
	"strings"

	"broadcastbot/internal/fanout"
	"broadcastbot/internal/recordings"
)

// sendPart answers with a part of a recording, or with nothing if the client has it.
func (g *Gateway) sendPart(w http.ResponseWriter, r *http.Request, rec *recordings.Recording, p part) {
	describePart(w.Header(), rec, p)
	switch {
	case p.closed && mentions(r.Header.Get("If-None-Match"), etag(rec)):
		w.WriteHeader(http.StatusNotModified)
	case p.partial:
		w.Header().Set("Content-Range", p.contentRange())
		g.sendBody(w, r, rec, p, http.StatusPartialContent)
	default:
		g.sendBody(w, r, rec, p, http.StatusOK)
	}
}

// describePart sets what caches and clients have to know about the part.
func describePart(h http.Header, rec *recordings.Recording, p part) {
	h.Set("Accept-Ranges", "bytes")
	switch {
	case p.closed && p.finished:
		h.Set("ETag", etag(rec))
		// An hour is enough for the crowd of a show, and what is deleted stays in no cache for longer.
		h.Set("Cache-Control", "public, max-age=3600, immutable")
	case p.closed:
		h.Set("ETag", etag(rec))
		// A growing recording may have other bytes there when the gateway comes back from an older copy
		// of its disk: that takes longer. A cache asks again, and is mostly told that nothing has changed.
		h.Set("Cache-Control", "public, max-age=10, must-revalidate")
	default:
		h.Set("Cache-Control", "no-store")
	}
	if p.follow {
		h.Set("X-Accel-Buffering", "no") // makes nginx in front pass on each piece as it comes
	} else {
		h.Set("Content-Length", strconv.FormatInt(p.last+1-p.first, 10))
	}
}

// etag is the same while the recording grows: a byte that is there does not change before the gateway is
// started again, so parts fetched at different times fit together.
func etag(rec *recordings.Recording) string { return `"` + rec.Version() + `"` }

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

// sendBody sends the status and the bytes. Once the status is out, an error can be told in one way
// only: by cutting the connection.
func (g *Gateway) sendBody(w http.ResponseWriter, r *http.Request, rec *recordings.Recording, p part, status int) {
	if r.Method == http.MethodHead {
		w.WriteHeader(status)
		return
	}
	body := responseBody{w, http.NewResponseController(w)}
	defer interrupt(rec.Context(), body.SetWriteDeadline)()
	if !p.follow {
		w.WriteHeader(status)
		cutOn(g.hub.Copy(body, rec, p.first, p.last+1))
		return
	}
	takeOver := takeOverOf(r, body)
	if takeOver != nil {
		w.Header().Set("Connection", "close")
	}
	w.WriteHeader(status)
	cutOn(g.hub.Follow(r.Context(), rec, p.first, body, takeOver))
}

// takeOverOf returns what takes the request's connection from net/http, whose buffers and goroutine
// cost ten times what a listener needs. It is nil unless the body goes out in the chunks of plain
// HTTP/1.1.
func takeOverOf(r *http.Request, body responseBody) func() (net.Conn, error) {
	if r.ProtoMajor != 1 || !r.ProtoAtLeast(1, 1) || r.TLS != nil {
		return nil
	}
	return func() (net.Conn, error) {
		conn, _, err := body.Hijack()
		return conn, err
	}
}

// cutOn cuts the connection if err is not nil. The panic is net/http's own way to say so, for every
// version of HTTP.
func cutOn(err error) {
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

// responseBody is the body of an answer that net/http frames.
type responseBody struct {
	http.ResponseWriter
	*http.ResponseController
}

var (
	_ fanout.Sink = responseBody{}
	_ fanout.Feed = (*recordings.Recording)(nil)
)
