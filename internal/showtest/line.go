package showtest

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
)

// Line is a TCP proxy that can be cut or held up, and that remembers what was
// asked through it.
type Line struct {
	listener net.Listener
	target   string

	mu       sync.Mutex
	open     []net.Conn
	cut      bool
	held     chan struct{} // closed when what is held up may go on
	requests []*http.Request
	asked    bytes.Buffer // all bytes of all requests
}

// NewLine makes a line to an address. It ends with the test.
func NewLine(t testing.TB, target string) *Line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Line{listener: l, target: target, held: make(chan struct{})}
	close(p.held)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { p.carry(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.SetHeld(false)
		p.SetCut(true)
		running.Wait()
	})
	return p
}

// URL is where the line begins.
func (p *Line) URL() string { return "http://" + p.listener.Addr().String() }

// SetCut breaks all connections, and refuses new ones as long as it is set.
func (p *Line) SetCut(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	if !cut {
		return
	}
	for _, conn := range p.open {
		conn.Close()
	}
	p.open = nil
}

// SetHeld holds up everything on its way, or lets it go on: connections stand,
// and nobody hears anything.
func (p *Line) SetHeld(held bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.held:
		if held {
			p.held = make(chan struct{})
		}
	default:
		if !held {
			close(p.held)
		}
	}
}

// wait waits as long as the line is held up.
func (p *Line) wait() {
	p.mu.Lock()
	held := p.held
	p.mu.Unlock()
	<-held
}

func (p *Line) carry(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer far.Close()
	p.mu.Lock()
	if p.cut {
		p.mu.Unlock()
		return
	}
	p.open = append(p.open, near, far)
	p.mu.Unlock()
	var up sync.WaitGroup
	up.Go(func() {
		io.Copy(far, overhearing{near, p})
		far.Close()
	})
	io.Copy(near, waiting{far, p})
	near.Close()
	up.Wait()
}

// waiting hands on what it reads when the line is not held up.
type waiting struct {
	net.Conn
	line *Line
}

func (w waiting) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.line.wait()
	return n, err
}

// overhearing remembers what passes. Requests are small and have no bodies: each
// comes with one Read.
type overhearing struct {
	net.Conn
	line *Line
}

func (o overhearing) Read(b []byte) (int, error) {
	n, err := waiting(o).Read(b)
	o.line.mu.Lock()
	defer o.line.mu.Unlock()
	o.line.asked.Write(b[:n])
	if r, bad := http.ReadRequest(bufio.NewReader(bytes.NewReader(b[:n]))); bad == nil {
		o.line.requests = append(o.line.requests, r)
	}
	return n, err
}

// Requests returns the requests that have passed, the oldest first.
func (p *Line) Requests() []*http.Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// Asked returns every byte that has passed towards the gateway.
func (p *Line) Asked() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked.Bytes())
}
