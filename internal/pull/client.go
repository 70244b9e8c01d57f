package pull

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	dialTimeout  = 10 * time.Second
	maxHead      = 64 << 10 // bytes of a reply's head
	maxRedirects = 5
)

// limits are how long is waited for a server.
type limits struct {
	reply time.Duration // until the first bytes of a reply's body are there, redirections included
	quiet time.Duration // until something more comes
	gone  time.Duration // until a stream that the server knows no more is over: it may be coming back
}

var usualLimits = limits{reply: 15 * time.Second, quiet: 15 * time.Second, gone: 15 * time.Second}

// newClient returns a client that asks none but these hosts, by no proxy.
func newClient(hosts Hosts, l limits) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, Control: hosts.control}
	return &http.Client{
		Transport: guard{hosts, &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := dialer.DialContext(ctx, network, address)
				return &conn{Conn: c, quiet: l.quiet}, err
			},
			TLSHandshakeTimeout:    dialTimeout,
			ResponseHeaderTimeout:  l.reply,
			MaxResponseHeaderBytes: maxHead,
			DisableCompression:     true, // a few bytes must not become gigabytes
			IdleConnTimeout:        l.quiet,
			MaxIdleConnsPerHost:    1,
		}},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			r.Header.Del("Referer") // there may be a password in it
			if len(via) > maxRedirects {
				return errors.New("too many redirections")
			}
			return nil
		},
	}
}

// guard looks at every request, also those that a server redirects to.
type guard struct {
	hosts Hosts
	http.RoundTripper
}

func (g guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := g.hosts.allow(r.URL); err != nil {
		return nil, refusal{err}
	}
	return g.RoundTripper.RoundTrip(r)
}

// refusal is an error that may be told as it is.
type refusal struct{ error }

// conn is a connection to a server that may not be silent for too long. Old Shoutcast servers begin
// their answers with ICY 200 OK, which is made HTTP.
type conn struct {
	net.Conn
	quiet time.Duration
	begun bool
	head  []byte // what was read already
}

func (c *conn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.quiet)); err != nil {
		return 0, err
	}
	if !c.begun {
		c.begun = true
		if err := c.begin(); err != nil {
			return 0, err
		}
	}
	if len(c.head) > 0 {
		n := copy(p, c.head)
		c.head = c.head[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

func (c *conn) begin() error {
	var first [4]byte
	n, err := io.ReadFull(c.Conn, first[:])
	c.head = first[:n]
	if string(c.head) == "ICY " {
		c.head = []byte("HTTP/1.0 ")
	}
	if n > 0 {
		return nil
	}
	return err
}

func (c *conn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.quiet)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// sentence tells a room why a host could not be asked, and nothing of addresses or of our network.
func sentence(err error) error {
	var refused refusal
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var network net.Error
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, errNotPublic):
		return errors.New("it leads to an address that is not public, and is not in the config's pull_hosts itself")
	case errors.As(err, &name):
		return errors.New("no such server can be found")
	case errors.As(err, &certificate):
		return errors.New("its certificate does not prove that it is this server")
	case errors.As(err, &network) && network.Timeout():
		return errors.New("it does not answer")
	}
	return errors.New("it cannot be reached, or does not speak HTTP")
}
