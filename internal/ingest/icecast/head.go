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
// Host out. A proxy may say before it whose connection it is. Without a request there is nil, and the
// connection is closed.
func readHead(conn net.Conn) *exchange {
	conn.SetReadDeadline(time.Now().Add(headTimeout))
	limited := &io.LimitedReader{R: conn, N: maxHead}
	start := bufio.NewReader(limited)
	line, err := start.ReadString('\n')
	x := &exchange{conn: conn}
	if source, proxied := sourceAddress(line); proxied {
		x.forwarded = source
		line, err = start.ReadString('\n')
	}
	if err == nil {
		line = strings.Replace(line, " ICE/1.", " HTTP/1.", 1)
		x.in = bufio.NewReader(io.MultiReader(strings.NewReader(line), start))
		if x.request, err = http.ReadRequest(x.in); err == nil {
			x.wire = &impatient{conn, silence}
			limited.R, limited.N = x.wire, math.MaxInt64
			return x
		}
	}
	if line != "" {
		x.answer(http.StatusBadRequest, "This is not HTTP")
	}
	x.close()
	return nil
}

// sourceAddress returns whose connection a proxy passes on, if a line says that in the words of the
// PROXY protocol, version 1: PROXY TCP4 192.0.2.1 192.0.2.2 56324 8010.
func sourceAddress(line string) (source string, proxied bool) {
	words := strings.Fields(line)
	if len(words) != 6 || words[0] != "PROXY" {
		return "", false
	}
	return words[2], true
}
