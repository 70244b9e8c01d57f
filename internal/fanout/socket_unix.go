//go:build unix

package fanout

import (
	"io"
	"net"
	"syscall"
)

// socketOf returns the socket of a connection, or nil if it is not a plain one.
func socketOf(conn net.Conn) syscall.RawConn {
	plain, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	socket, err := plain.SyscallConn()
	if err != nil {
		return nil
	}
	return socket
}

// nonblocking reads and writes sockets without ever waiting, by one system call at a time. A shard
// keeps it between the calls, so that none of them allocates.
type nonblocking struct {
	p       []byte
	n       int
	err     error
	doWrite func(fd uintptr) bool
	doRead  func(fd uintptr) bool
}

func newNonblocking() *nonblocking {
	c := &nonblocking{}
	c.doWrite = func(fd uintptr) bool {
		c.n, c.err = syscall.Write(int(fd), c.p)
		return true
	}
	c.doRead = func(fd uintptr) bool {
		c.n, c.err = syscall.Read(int(fd), c.p)
		return true
	}
	return c
}

// write writes what of p the socket takes at once. Taking nothing is no error.
func (c *nonblocking) write(socket syscall.RawConn, p []byte) (n int, err error) {
	c.p = p
	if err := socket.Write(c.doWrite); err != nil {
		return 0, err
	}
	return c.result()
}

// read reads what has arrived, and reports io.EOF when the other end has closed the connection.
func (c *nonblocking) read(socket syscall.RawConn, p []byte) (n int, err error) {
	c.p = p
	if err := socket.Read(c.doRead); err != nil {
		return 0, err
	}
	if c.n == 0 && c.err == nil {
		return 0, io.EOF
	}
	return c.result()
}

func (c *nonblocking) result() (int, error) {
	if c.err == syscall.EAGAIN || c.err == syscall.EINTR {
		return 0, nil
	}
	return max(c.n, 0), c.err
}
