package icecast

import (
	"bufio"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	maxHead     = 16 << 10 // bytes
	headTimeout = 10 * time.Second
)

// readHead reads a request on a port of our own. Some programs say ICE/1.0 for HTTP/1.0, or leave the
// Host out. Without a request there is nil, and the connection is closed.
func readHead(conn net.Conn) *exchange {
	conn.SetReadDeadline(time.Now().Add(headTimeout))
	limited := &io.LimitedReader{R: conn, N: maxHead}
	start := bufio.NewReader(limited)
	line, err := start.ReadString('\n')
	if err == nil {
		line = strings.Replace(line, " ICE/1.", " HTTP/1.", 1)
		in := bufio.NewReader(io.MultiReader(strings.NewReader(line), start))
		var r *http.Request
		if r, err = http.ReadRequest(in); err == nil {
			wire := &impatient{conn, silence}
			limited.R, limited.N = wire, math.MaxInt64
			return &exchange{conn: conn, wire: wire, in: in, request: r}
		}
	}
	x := &exchange{conn: conn}
	if line != "" {
		x.answer(http.StatusBadRequest, "This is not HTTP")
	}
	x.close()
	return nil
}
