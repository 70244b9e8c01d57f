package icecast

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"strings"
	"time"
)

const (
	// silence is how long a program may send nothing before its line counts as broken.
	silence = 10 * time.Second
	// answerTimeout is how long an answer may take to be written.
	answerTimeout = 10 * time.Second
	// pause is how long a program has to begin its stream, or it counts as one that waits for an answer.
	pause = 300 * time.Millisecond
	// farewell is how long a program may go on sending after the answer: a connection that is closed
	// before takes the answer with it.
	farewell = time.Second
)

// exchange is a request on a connection that was taken over. There is one on each connection.
type exchange struct {
	conn    net.Conn
	wire    *impatient // conn, as in reads it
	in      *bufio.Reader
	request *http.Request
	owed    bool // the answer to the body, which comes behind it

	forwarded string // whose connection it is, as a proxy says it
}

// newExchange takes a connection over from net/http, which may have read more than the head.
func newExchange(conn net.Conn, in *bufio.Reader, r *http.Request) *exchange {
	ahead, _ := in.Peek(in.Buffered())
	wire := &impatient{conn, silence}
	return &exchange{
		conn: conn, wire: wire, request: r,
		in: bufio.NewReader(io.MultiReader(bytes.NewReader(bytes.Clone(ahead)), wire)),
	}
}

// impatient reads a connection on which something has to come again and again.
type impatient struct {
	net.Conn
	patience time.Duration
}

func (c *impatient) Read(b []byte) (int, error) {
	c.SetReadDeadline(time.Now().Add(c.patience))
	return c.Conn.Read(b)
}

// address is that of who asks, and of all who share their home's line, or "" where it is not known:
// behind a proxy that does not tell it.
func (x *exchange) address() string {
	peer, err := netip.ParseAddrPort(x.conn.RemoteAddr().String())
	address := peer.Addr().Unmap()
	if address.IsPrivate() { // a proxy, perhaps, of which it is not known whether it may be believed
		return ""
	}
	if err == nil && address.IsLoopback() { // a proxy of ours, perhaps
		// Some proxies add a line of their own behind those of who asks.
		forwarded := cmp.Or(x.forwarded, strings.Join(x.request.Header.Values("X-Forwarded-For"), ","))
		last := forwarded[strings.LastIndexByte(forwarded, ',')+1:]
		address, err = netip.ParseAddr(strings.TrimSpace(last))
	}
	if err != nil {
		return ""
	}
	bits := 32
	if address.Is6() {
		bits = 64
	}
	home, _ := address.WithZone("").Prefix(bits)
	return home.String()
}

// body is the stream. Programs that send no length send it until they close.
func (x *exchange) body() io.Reader {
	switch {
	case len(x.request.TransferEncoding) > 0: // it is "chunked", or the head would have been refused
		return httputil.NewChunkedReader(x.in)
	case x.request.ContentLength > 0:
		return io.LimitReader(x.in, x.request.ContentLength)
	}
	return x.in
}

// isHollow reports whether no stream can come: a web server in between passes on no body whose head says
// neither a length nor chunks.
func (x *exchange) isHollow() bool {
	return x.request.ContentLength <= 0 && len(x.request.TransferEncoding) == 0 && x.request.Header.Get("X-Forwarded-For") != ""
}

// accept says that the stream may come. A program that asks first, that says how long its body is, or
// that does not wait for an answer, gets one behind the stream.
func (x *exchange) accept() {
	x.owed = true
	switch {
	case strings.EqualFold(x.request.Header.Get("Expect"), "100-continue"):
		x.write("HTTP/1.1 100 Continue\r\n\r\n")
	case x.request.ContentLength > 0 || len(x.request.TransferEncoding) > 0 || x.isSending():
	default:
		x.owed = false
		x.write("HTTP/1.0 200 OK\r\n\r\n")
	}
}

// isSending reports whether the stream comes already. Who sends without having waited does not read
// the answer either, and an answer that nobody has read when the connection is closed takes the end of
// the stream with it.
func (x *exchange) isSending() bool {
	x.wire.patience = pause
	defer func() { x.wire.patience = silence }()
	_, err := x.in.Peek(1)
	return err == nil
}

// finish gives the answer that is owed.
func (x *exchange) finish() {
	if x.owed {
		x.answer(http.StatusOK, "OK")
	}
}

// answer answers in one line, which stands in the head, too: few programs show more than that.
func (x *exchange) answer(status int, line string, headers ...string) {
	x.answerWith(status, line, "text/plain; charset=utf-8", line+"\n", headers...)
}

func (x *exchange) answerWith(status int, line, contentType, body string, headers ...string) {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.0 %d %s\r\n", status, line)
	for _, header := range headers {
		b.WriteString(header + "\r\n")
	}
	fmt.Fprintf(&b, "Content-Type: %s\r\nContent-Length: %d\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n%s",
		contentType, len(body), body)
	x.write(b.String())
}

func (x *exchange) write(s string) {
	x.conn.SetWriteDeadline(time.Now().Add(answerTimeout))
	io.WriteString(x.conn, s) // who does not take the answer has left
}

// close closes the connection when the answer has arrived, if that is soon.
func (x *exchange) close() {
	if half, ok := x.conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		x.conn.SetReadDeadline(time.Now().Add(farewell))
		io.Copy(io.Discard, x.conn)
	}
	x.conn.Close()
}
