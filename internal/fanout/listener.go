package fanout

import (
	"net"
	"syscall"
	"time"
)

// listener is a connection that a shard sends the live tail to.
//
// It has no buffer: what it still has to get is in the feed. If the socket has taken only a part of
// a chunk, start, end and sent say which one, and the chunk is framed again when the socket has
// room.
type listener struct {
	conn     net.Conn
	socket   syscall.RawConn
	start    int64     // where in the feed the chunk under way begins, or the next one
	end      int64     // where it ends
	sent     int       // bytes of it, framing included, that the socket has taken; 0: none is under way
	progress time.Time // when it last took something, or had all there was
}

// socketBuffer is what the kernel may keep for a listener who is slow: some seconds of sound.
// Without a limit that grows to megabytes.
const socketBuffer = 64 << 10

// limitBuffer keeps a slow listener cheap for the kernel too.
func (l *listener) limitBuffer() {
	if conn, ok := l.conn.(interface{ SetWriteBuffer(int) error }); ok {
		conn.SetWriteBuffer(socketBuffer)
	}
}

// discardUnsent makes the kernel discard what it could not deliver when the connection is closed.
func (l *listener) discardUnsent() {
	if conn, ok := l.conn.(interface{ SetLinger(int) error }); ok {
		conn.SetLinger(0)
	}
}
