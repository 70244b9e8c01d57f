package gateway

import (
	"net"
	"net/http"

	"broadcastbot/internal/fanout"
	"broadcastbot/internal/recordings"
)

// send gives a part of a recording to the client. Once the status is out, an error can be told in one
// way only: by cutting the connection.
func (g *Gateway) send(w http.ResponseWriter, r *http.Request, rec *recordings.Recording, p part, status int) {
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
