package gateway

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// chunkSize is how much of a recording is read and sent at once, at most.
const chunkSize = 64 << 10

var chunks = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// send gives a part of a recording to the client. Once the status is out, an
// error can be told in one way only: by cutting the connection.
func (g *Gateway) send(w http.ResponseWriter, r *http.Request, rec *recording, p part, status int) {
	if r.Method == http.MethodHead {
		w.WriteHeader(status)
		return
	}
	body := responseBody{w, http.NewResponseController(w)}
	defer interrupt(rec.ctx, body.SetWriteDeadline)()
	if !p.follow {
		w.WriteHeader(status)
		mustSend(g.copy(body, rec, p.first, p.last+1))
		return
	}
	g.traffic.listeners.Add(1)
	defer g.traffic.listeners.Add(-1)
	plain := r.ProtoMajor == 1 && r.ProtoAtLeast(1, 1) && r.TLS == nil
	if plain {
		w.Header().Set("Connection", "close")
	}
	w.WriteHeader(status)
	edge := g.sendHistory(body, rec, p.first)
	if size, finished := rec.extent(); finished && edge == size {
		return
	}
	if !plain || !g.handOver(body, r, rec, edge) {
		mustSend(g.trail(r.Context(), body, rec, edge))
	}
}

// mustSend cuts the connection if err is not nil. The panic is net/http's own
// way to say so, for every version of HTTP.
func mustSend(err error) {
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

// sendHistory sends what exists from first on, and returns where it stopped:
// at the live edge.
func (g *Gateway) sendHistory(to sink, rec *recording, first int64) (edge int64) {
	for edge = rec.Size(); first < edge; edge = rec.Size() {
		mustSend(g.copy(to, rec, first, edge))
		first = edge
	}
	return first
}

// handOver takes the connection from net/http, whose buffers and goroutine
// cost ten times what a listener needs, and gives it to a shard. It reports
// false if the connection is not to be had.
func (g *Gateway) handOver(body responseBody, r *http.Request, rec *recording, edge int64) bool {
	body.Flush()
	conn, _, err := body.Hijack()
	if err != nil {
		return false
	}
	if socket := socketOf(conn); socket != nil {
		g.join(rec, &listener{conn: conn, socket: socket, start: edge})
		return true
	}
	// Some wrapper of the server's listener hides the socket.
	defer conn.Close()
	to := &chunkedConn{conn: conn}
	if err := g.trail(r.Context(), to, rec, edge); err == nil {
		to.Write(nil)
	}
	return true
}

// trail sends the live tail from a goroutine of its own, to its end.
func (g *Gateway) trail(ctx context.Context, to sink, rec *recording, edge int64) error {
	for {
		changed := rec.Changed()
		size, finished := rec.extent()
		switch {
		case edge < size:
			if err := g.copy(to, rec, edge, size); err != nil {
				return err
			}
			edge = size
			continue
		case finished:
			to.SetWriteDeadline(time.Now().Add(g.stall)) // for what ends the body
			return nil
		}
		to.Flush() // what has been written is not to wait with us
		to.SetWriteDeadline(time.Time{})
		select {
		case <-changed:
		case <-rec.ctx.Done():
			return context.Cause(rec.ctx)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// copy sends the bytes [first, end), which exist. A client that does not take
// a chunk in g.stall is given up: 64 KiB in 30 seconds are 17 kbit/s.
func (g *Gateway) copy(to sink, rec *recording, first, end int64) error {
	buf := chunks.Get().(*[chunkSize]byte)
	defer chunks.Put(buf)
	for first < end {
		n, err := rec.ReadAt(buf[:min(chunkSize, end-first)], first)
		if n == 0 {
			g.log.Error("recording cannot be read", "recording", rec.id, "offset", first, "err", err)
			return err
		}
		to.SetWriteDeadline(time.Now().Add(g.stall))
		if err := causeOf(rec.ctx); err != nil {
			return err
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return err
		}
		g.traffic.bytesOut.Add(int64(n))
		first += int64(n)
	}
	return nil
}

// sink is where a goroutine that may block sends to.
type sink interface {
	io.Writer
	SetWriteDeadline(time.Time) error
	Flush() error
}

var (
	_ sink = responseBody{}
	_ sink = (*chunkedConn)(nil)
)

// responseBody is the body of an answer that net/http frames.
type responseBody struct {
	http.ResponseWriter
	*http.ResponseController
}

// chunkedConn frames a body by itself, for a connection that net/http has
// given away.
type chunkedConn struct {
	conn  net.Conn
	frame []byte
}

// Write sends one chunk; an empty one is the end of the body.
func (c *chunkedConn) Write(p []byte) (int, error) {
	c.frame = appendChunk(c.frame[:0], p)
	if _, err := c.conn.Write(c.frame); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *chunkedConn) SetWriteDeadline(t time.Time) error { return c.conn.SetWriteDeadline(t) }
func (c *chunkedConn) Flush() error                       { return nil }
