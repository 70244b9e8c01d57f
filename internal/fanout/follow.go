package fanout

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// chunkSize is how much of a file is read and sent at once, at most.
const chunkSize = 64 << 10

var chunks = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// Sink is a client that has a goroutine of its own, so that a Write may wait. Its owner makes Write
// fail when the feed's context ends, by a deadline in the past.
type Sink interface {
	io.Writer
	SetWriteDeadline(time.Time) error
	Flush() error
}

// Follow sends the feed's bytes from first on, and returns nil when the feed is finished and all
// are sent. After an error the caller must cut the listener off without the end of the body, or it
// would be taken for the end of the show.
//
// When everything that exists is sent, Follow calls takeOver to get the listener's connection, in
// the middle of an HTTP/1.1 body in chunks. With it the listener can join the feed's audience: then
// Follow returns nil at once, and a shard sends the rest and closes the connection. If takeOver is
// nil or fails, Follow sends the rest to the sink.
func (h *Hub) Follow(ctx context.Context, feed Feed, first int64, to Sink, takeOver func() (net.Conn, error)) error {
	h.countAlone(feed, 1)
	joined, err := h.follow(ctx, feed, first, to, takeOver)
	if !joined {
		h.countAlone(feed, -1)
	}
	return err
}

func (h *Hub) follow(ctx context.Context, feed Feed, first int64, to Sink, takeOver func() (net.Conn, error)) (joined bool, err error) {
	edge, finished, err := h.sendHistory(feed, first, to)
	if err != nil || finished {
		return false, err
	}
	if takeOver != nil {
		to.Flush()
		if conn, err := takeOver(); err == nil {
			return h.serveConn(ctx, feed, edge, conn), nil
		}
	}
	return false, h.sendTail(ctx, feed, edge, to)
}

// sendHistory sends what exists from first on. It returns where it stopped, at the live edge, and
// whether that is the end.
func (h *Hub) sendHistory(feed Feed, first int64, to Sink) (edge int64, finished bool, err error) {
	for {
		size, finished := feed.Extent()
		if first >= size {
			return first, finished, nil
		}
		if err := h.Copy(to, feed, first, size); err != nil {
			return first, false, err
		}
		first = size
	}
}

// serveConn serves a connection that was taken over, and reports whether it has joined the
// audience. If some wrapper hides its socket, serveConn sends everything itself.
func (h *Hub) serveConn(ctx context.Context, feed Feed, edge int64, conn net.Conn) (joined bool) {
	if socket := socketOf(conn); socket != nil {
		h.join(feed, &listener{conn: conn, socket: socket, start: edge})
		return true
	}
	defer conn.Close()
	to := &chunkedConn{conn: conn}
	if err := h.sendTail(ctx, feed, edge, to); err == nil {
		to.Write(nil)
	}
	return false
}

// sendTail sends what is still to come, to the end of the feed.
func (h *Hub) sendTail(ctx context.Context, feed Feed, edge int64, to Sink) error {
	for {
		changed := feed.Changed()
		size, finished := feed.Extent()
		switch {
		case edge < size:
			if err := h.Copy(to, feed, edge, size); err != nil {
				return err
			}
			edge = size
			continue
		case finished:
			to.SetWriteDeadline(time.Now().Add(h.stall)) // for what ends the body
			return nil
		}
		to.Flush() // what has been written must not wait with us
		to.SetWriteDeadline(time.Time{})
		select {
		case <-changed:
		case <-feed.Context().Done():
			return context.Cause(feed.Context())
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Copy sends the bytes [first, end), which exist. It gives up a client that does not take a chunk
// before the hub's stall is over: 64 KiB in 30 seconds are 17 kbit/s.
func (h *Hub) Copy(to Sink, feed Feed, first, end int64) error {
	buf := chunks.Get().(*[chunkSize]byte)
	defer chunks.Put(buf)
	for first < end {
		n, err := feed.ReadAt(buf[:min(chunkSize, end-first)], first)
		if n == 0 {
			h.logUnreadable(feed, first, err)
			return err
		}
		to.SetWriteDeadline(time.Now().Add(h.stall))
		if err := context.Cause(feed.Context()); err != nil {
			return err
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return err
		}
		h.sent.Add(int64(n))
		first += int64(n)
	}
	return nil
}

func (h *Hub) logUnreadable(feed Feed, offset int64, err error) {
	h.log.Error("recording cannot be read", "recording", feed.ID(), "offset", offset, "err", err)
}

// chunkedConn frames a body by itself, for a connection that net/http has given away.
type chunkedConn struct {
	conn  net.Conn
	frame []byte
}

var _ Sink = (*chunkedConn)(nil)

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
