package studioline

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"

	"broadcastbot/internal/opus"
)

const (
	// tickEvery is how often a page hears something: it takes a line that says nothing for dead.
	tickEvery = 2 * time.Second
	// writeTimeout is how long a page may take nothing.
	writeTimeout = 10 * time.Second
)

// line is one line of a page. Messages to the page wait here until they are written, so that
// nobody else waits for the line. A nil line is a page that is not there.
type line struct {
	studio *Studio
	conn   *websocket.Conn
	pass   *activePass   // set when the page has said who it is
	wake   chan struct{} // holds a value when there is something to be written
	// generation is the device that the page said it is on; 0: it was not told yet.
	generation int64

	// For the goroutine that reads.
	rehearsing bool

	mu      sync.Mutex
	waiting []reply
	closing *closing
}

// closing is how a line is closed when what waits is written.
type closing struct {
	code   websocket.StatusCode
	reason string // at most 123 bytes
}

func newLine(s *Studio, conn *websocket.Conn) *line {
	return &line{studio: s, conn: conn, wake: make(chan struct{}, 1)}
}

// post has a message written. It replaces one of its type that still waits: each tells how something
// stands.
func (l *line) post(r reply) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing != nil {
		return
	}
	l.waiting = append(r.without(l.waiting), r)
	l.signal()
}

// closeWith closes the line when what waits is written.
func (l *line) closeWith(code websocket.StatusCode, reason string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing == nil {
		l.closing = &closing{code, reason}
	}
	l.signal()
}

// refuse says why, and hangs up.
func (l *line) refuse(code websocket.StatusCode, reason string) {
	l.post(reply{"type": "refused", "reason": reason})
	l.closeWith(code, "")
}

// replace tells a page that a newer one has its place.
func (l *line) replace() {
	l.post(reply{"type": "replaced"})
	l.closeWith(closeReplaced, "A newer tab or device has the line.")
}

func (l *line) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// take returns what waits, and how the line is to be closed then.
func (l *line) take() ([]reply, *closing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := l.waiting
	l.waiting = nil
	return waiting, l.closing
}

// write writes what waits until the line is closed or ctx ends.
func (l *line) write(ctx context.Context) {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		waiting, closing := l.take()
		for _, r := range waiting {
			text, _ := json.Marshal(r) // it has nothing that cannot be encoded
			if l.send(ctx, websocket.MessageText, text) != nil {
				return
			}
		}
		if closing != nil {
			l.conn.Close(closing.code, closing.reason)
			return
		}
		select {
		case <-l.wake:
		case <-ticker.C:
			l.tick()
		case <-ctx.Done():
			return
		}
	}
}

// send writes one message. A page that does not take it has no line any more.
func (l *line) send(ctx context.Context, kind websocket.MessageType, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return l.conn.Write(ctx, kind, data)
}

// tick says what time it is, and how many listen.
func (l *line) tick() {
	l.post(reply{"type": "tick", "now": time.Now().UnixMilli()})
	s := l.studio
	s.mu.Lock()
	show := l.pass.show
	isLive := l.pass.stage == live
	s.mu.Unlock()
	if !isLive {
		return
	}
	listeners := reply{"type": "listeners", "count": nil}
	if count, known := s.Listeners(show); known {
		listeners["count"] = count
	}
	l.post(listeners)
}

// read carries out what the page says until the line is broken. After a mistake of the page it only
// waits for that.
func (l *line) read(ctx context.Context) {
	isMistaken := false
	for {
		kind, data, err := l.conn.Read(ctx)
		if err != nil {
			return
		}
		if isMistaken {
			continue
		}
		if err := l.obey(ctx, kind, data); err != nil {
			isMistaken = true
			l.studio.Log.Warn("a studio page made a mistake", "source", l.pass.spec, "err", err)
			l.refuse(closeMistake, fmt.Sprintf("The station cannot record that: %v.", err))
		}
	}
}

func (l *line) obey(ctx context.Context, kind websocket.MessageType, data []byte) error {
	if kind == websocket.MessageBinary {
		return l.takeSound(ctx, data)
	}
	r, err := parseRequest(data)
	if err != nil {
		return err
	}
	switch r.Type {
	case "start":
		l.rehearsing = false
		l.start(r.Title, r.PreSkip)
	case "stop":
		l.stop(r.Count)
	case "rehearse":
		l.rehearsing = r.On
	}
	return nil
}

// takeSound gives packets to the show, or back to the page while it rehearses.
func (l *line) takeSound(ctx context.Context, data []byte) error {
	sound, err := parseSound(data)
	if err != nil {
		return err
	}
	if source := l.onAir(); source != nil {
		for i, data := range sound.packets {
			at := sound.captured.Add(-opus.Duration(int64(len(sound.packets)-1-i) * packetSamples))
			if err := source.push(ctx, l, sound.number+int64(i), packet{data, at}); err != nil {
				return err
			}
		}
		return nil
	}
	if l.rehearsing {
		l.send(ctx, websocket.MessageBinary, data) // if the line is broken, who reads next finds out
	}
	return nil // what is left of a show that is over is dropped
}

// onAir returns where packets go; nil: nothing is on air.
func (l *line) onAir() *source {
	l.studio.mu.Lock()
	defer l.studio.mu.Unlock()
	if l.pass.stage != live {
		return nil
	}
	return l.pass.source
}
