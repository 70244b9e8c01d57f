//go:build !unix

package gateway

import (
	"errors"
	"net"
	"syscall"
)

// socketOf returns nil: only Unix lets a shard write without waiting, so here
// each listener keeps its goroutine.
func socketOf(net.Conn) syscall.RawConn { return nil }

type call struct{}

func newCall() *call { return &call{} }

func (*call) send(syscall.RawConn, []byte) (int, error)    { return 0, errors.ErrUnsupported }
func (*call) receive(syscall.RawConn, []byte) (int, error) { return 0, errors.ErrUnsupported }
