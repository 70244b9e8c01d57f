package e2e

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"broadcastbot/internal/studio"
)

// station speaks the studio's protocol as the real one does, and can lose its lines.
type station struct {
	t      testing.TB
	server *httptest.Server

	mu       sync.Mutex
	state    string // off, live, ended
	title    string
	packets  [][]byte
	captured []int64 // ms, of the last packet of each message
	messages int
	repeated int // packets that came again
	faults   []string
	count    int // packets of the whole show, once it is stopped
	down     bool
	deaf     bool // lines stand, but nothing goes over them
	refusal  string
	bitrate  int
	lines    map[*stationLine]bool
}

type stationLine struct {
	conn      *websocket.Conn
	rehearses bool
}

const stationSecret = "c2VjcmV0-c2VjcmV0_c2VjcmV0c2VjcmV0c2VjcmV0"

func newStation(t testing.TB) *station {
	s := &station{t: t, state: "off", count: -1, bitrate: 32000, lines: map[*stationLine]bool{}}
	mux := http.NewServeMux()
	mux.Handle("/studio/", studio.Handler())
	mux.HandleFunc("/studio/line", s.serve)
	s.server = httptest.NewServer(mux)
	t.Cleanup(func() { s.cut(); s.server.Close() })
	return s
}

func (s *station) link() string { return s.server.URL + "/studio/#" + stationSecret }

func (s *station) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	down := s.down
	s.mu.Unlock()
	if down {
		http.Error(w, "down", http.StatusBadGateway)
		return
	}
	if strings.Contains(r.URL.String()+r.Referer(), stationSecret[:8]) {
		s.fault("the secret is in an address")
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"org.broadcastbot.studio.v1"}})
	if err != nil {
		return
	}
	conn.SetReadLimit(1 << 20)
	line := &stationLine{conn: conn}
	defer s.drop(line)
	go s.tick(r.Context(), line)
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.deaf {
			s.mu.Unlock()
			continue
		}
		if kind == websocket.MessageBinary {
			s.hear(line, message)
		} else {
			s.obey(line, message)
		}
		s.mu.Unlock()
	}
}

func (s *station) drop(line *stationLine) {
	s.mu.Lock()
	delete(s.lines, line)
	s.mu.Unlock()
	line.conn.CloseNow()
}

// tick says the time, and what is durable: that is everything that has come.
func (s *station) tick(ctx context.Context, line *stationLine) {
	for n := 0; ; n++ {
		s.mu.Lock()
		if s.lines[line] && !s.deaf {
			if n%10 == 0 {
				s.say(line, map[string]any{"type": "tick", "now": time.Now().UnixMilli()})
				s.say(line, map[string]any{"type": "listeners", "count": 3})
			}
			if s.state == "live" {
				s.say(line, map[string]any{"type": "durable", "next": len(s.packets)})
			}
			s.endIfWhole()
		}
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (s *station) say(line *stationLine, message map[string]any) {
	text, err := json.Marshal(message)
	if err != nil {
		s.t.Error(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	line.conn.Write(ctx, websocket.MessageText, text)
}

func (s *station) obey(line *stationLine, raw []byte) {
	var m struct {
		Type, Secret, Title string
		Count               int
		On                  bool
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		s.faults = append(s.faults, err.Error())
	}
	switch m.Type {
	case "hello":
		s.greet(line, m.Secret)
	case "start":
		s.state, s.title = "live", m.Title
		s.say(line, map[string]any{"type": "onair", "started": time.Now().UnixMilli(), "next": len(s.packets)})
	case "stop":
		s.count = m.Count
		s.endIfWhole()
	case "rehearse":
		line.rehearses = m.On
	}
}

func (s *station) greet(line *stationLine, secret string) {
	if secret != stationSecret || s.refusal != "" {
		s.say(line, map[string]any{"type": "refused", "reason": s.refusal + "This link is not valid any more."})
		line.conn.Close(4003, "refused")
		return
	}
	for older := range s.lines {
		delete(s.lines, older)
		s.say(older, map[string]any{"type": "replaced"})
		go older.conn.Close(4001, "replaced")
	}
	s.lines[line] = true
	s.say(line, map[string]any{"type": "welcome", "room": "!r:example.org", "roomName": "Town hall", "speaker": "@anna:example.org", "title": "The evening talk",
		"audio": map[string]any{"channels": 1, "bitrate": s.bitrate, "application": "voip", "vbr": false},
		"state": s.state, "next": len(s.packets), "grace": 120, "now": time.Now().UnixMilli()})
}

func (s *station) hear(line *stationLine, message []byte) {
	if line.rehearses {
		go line.conn.Write(context.Background(), websocket.MessageBinary, message)
		return
	}
	number := int(binary.LittleEndian.Uint32(message))
	s.messages++
	s.captured = append(s.captured, int64(binary.LittleEndian.Uint64(message[4:])))
	for rest := message[12:]; len(rest) > 0; number++ {
		size := int(binary.LittleEndian.Uint16(rest))
		packet := rest[2 : 2+size]
		rest = rest[2+size:]
		switch {
		case s.state != "live":
			s.faults = append(s.faults, "a packet while the show is "+s.state)
		case number < len(s.packets):
			s.repeated++
		case number > len(s.packets):
			s.faults = append(s.faults, "a hole")
		case size > s.bitrate*20/8000:
			s.faults = append(s.faults, "a packet that is too large")
		default:
			s.packets = append(s.packets, packet)
		}
	}
}

func (s *station) endIfWhole() {
	if s.state != "live" || s.count < 0 || len(s.packets) < s.count {
		return
	}
	s.state = "ended"
	for line := range s.lines {
		s.say(line, map[string]any{"type": "ended", "reason": ""})
	}
}

func (s *station) fault(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, what)
}

// cut breaks all lines; none comes back until restore.
func (s *station) cut() {
	s.mu.Lock()
	s.down = true
	lines := s.lines
	s.lines = map[*stationLine]bool{}
	s.mu.Unlock()
	for line := range lines {
		line.conn.CloseNow()
	}
}

func (s *station) restore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = false
}

// forget sets the station back, as after it was killed: what was not durable is gone.
func (s *station) forget(packets int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.packets = s.packets[:len(s.packets)-packets]
}

func (s *station) received() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.packets)
}

// mustHave waits until the station has so many packets.
func (s *station) mustHave(packets int) {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); s.received() < packets; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("the station has %d packets, not %d", s.received(), packets)
		}
	}
}
