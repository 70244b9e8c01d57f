//go:build !unix

package fanout

import (
	"errors"
	"net"
	"syscall"
)

// socketOf returns nil: only Unix lets a shard write without waiting, so here each listener keeps
// its goroutine.
func socketOf(net.Conn) syscall.RawConn { return nil }

type nonblocking struct{}

func newNonblocking() *nonblocking { return &nonblocking{} }

func (*nonblocking) write(syscall.RawConn, []byte) (int, error) { return 0, errors.ErrUnsupported }
func (*nonblocking) read(syscall.RawConn, []byte) (int, error)  { return 0, errors.ErrUnsupported }
