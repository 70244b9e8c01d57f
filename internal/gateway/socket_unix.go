//go:build unix

package gateway

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

// call makes one system call on a socket without ever waiting. It is kept
// between calls, so that none of them allocates.
type call struct {
	p     []byte
	n     int
	err   error
	write func(fd uintptr) bool
	read  func(fd uintptr) bool
}

func newCall() *call {
	c := &call{}
	c.write = func(fd uintptr) bool {
		c.n, c.err = syscall.Write(int(fd), c.p)
		return true
	}
	c.read = func(fd uintptr) bool {
		c.n, c.err = syscall.Read(int(fd), c.p)
		return true
	}
	return c
}

// send writes what of p the socket takes at once. Taking nothing is no error.
func (c *call) send(socket syscall.RawConn, p []byte) (n int, err error) {
	c.p = p
	if err := socket.Write(c.write); err != nil {
		return 0, err
	}
	return c.result()
}

// receive reads what has arrived, and reports io.EOF when the other end has
// closed the connection.
func (c *call) receive(socket syscall.RawConn, p []byte) (n int, err error) {
	c.p = p
	if err := socket.Read(c.read); err != nil {
		return 0, err
	}
	if c.n == 0 && c.err == nil {
		return 0, io.EOF
	}
	return c.result()
}

func (c *call) result() (int, error) {
	if c.err == syscall.EAGAIN || c.err == syscall.EINTR {
		return 0, nil
	}
	return max(c.n, 0), c.err
}
