package studioline

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"broadcastbot/internal/opus"
	"broadcastbot/internal/showtest"
)

// page speaks the protocol as the studio page does, apart from sound: it keeps all packets and sends
// from where the station wants them.
type page struct {
	t       *testing.T
	url     string // of the station
	secret  string
	packets [][]byte // of the show

	generation float64 // that the station told last

	conn *websocket.Conn
}

// mustDial opens a line and says hello.
func (p *page) mustDial() {
	p.t.Helper()
	p.mustConnect()
	p.say(map[string]any{"type": "hello", "secret": p.secret, "generation": p.generation})
}

// mustConnect opens a line and says nothing.
func (p *page) mustConnect() {
	p.t.Helper()
	address := strings.Replace(p.url, "http", "ws", 1) + "/studio/line"
	conn, _, err := websocket.Dial(p.t.Context(), address, &websocket.DialOptions{Subprotocols: []string{Protocol}})
	if err != nil {
		p.t.Fatal(err)
	}
	p.conn = conn
	p.t.Cleanup(func() { conn.CloseNow() })
}

func (p *page) say(message map[string]any) {
	p.t.Helper()
	text, err := json.Marshal(message)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.conn.Write(p.t.Context(), websocket.MessageText, text); err != nil {
		p.t.Log("a message is lost:", err)
	}
}

// hear returns the next message, or why there is none.
func (p *page) hear() (map[string]any, error) {
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute) // a test that hangs says where
	defer cancel()
	_, data, err := p.conn.Read(ctx)
	if err != nil {
		return nil, err
	}
	var message map[string]any
	err = json.Unmarshal(data, &message)
	if message["type"] == "welcome" {
		p.generation = message["generation"].(float64)
	}
	return message, err
}

// await returns the first message of one of these types. The others are not looked at.
func (p *page) await(types ...string) map[string]any {
	p.t.Helper()
	for {
		message, err := p.hear()
		if err != nil {
			p.t.Fatalf("waiting for %v: %v", types, err)
		}
		if slices.Contains(types, message["type"].(string)) {
			return message
		}
	}
}

// awaitClose returns the code with which the station closes the line.
func (p *page) awaitClose() websocket.StatusCode {
	p.t.Helper()
	for {
		if _, err := p.hear(); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

// awaitDurable waits until so many packets are on the station's disk.
func (p *page) awaitDurable(n int) {
	p.t.Helper()
	for int(p.await("durable")["next"].(float64)) < n {
	}
}

// goOnAir opens a line and starts the show.
func (p *page) goOnAir() {
	p.t.Helper()
	p.mustDial()
	if state := p.await("welcome", "refused")["state"]; state != "off" {
		p.t.Fatalf("welcome to a show that is %v", state)
	}
	p.say(map[string]any{"type": "start", "title": "Town hall", "preSkip": 312})
	if answer := p.await("onair", "refused"); answer["type"] != "onair" {
		p.t.Fatal(answer)
	}
}

// goOnAirWith goes on air and speaks the first n packets, until they are on the station's disk.
func (p *page) goOnAirWith(n int) {
	p.t.Helper()
	p.goOnAir()
	p.send(0, n)
	p.awaitDurable(n)
}

// resume opens a line to a show that is live, and returns the number that the station wants.
func (p *page) resume() int {
	p.t.Helper()
	p.mustDial()
	welcome := p.await("welcome", "refused")
	if welcome["state"] != "live" {
		p.t.Fatalf("welcome: %v", welcome)
	}
	return int(welcome["next"].(float64))
}

// encode makes a message of packets, of which the last one ended at a time.
func encode(number int, captured time.Time, packets [][]byte) []byte {
	message := binary.LittleEndian.AppendUint32(nil, uint32(number))
	message = binary.LittleEndian.AppendUint64(message, uint64(captured.UnixMilli()))
	for _, packet := range packets {
		message = binary.LittleEndian.AppendUint16(message, uint16(len(packet)))
		message = append(message, packet...)
	}
	return message
}

// send sends the packets [from, to), as captured just now, a few in each message.
func (p *page) send(from, to int) {
	p.t.Helper()
	for ; from < to; from += 7 {
		p.sendSound(encode(from, time.Now(), p.packets[from:min(from+7, to)]))
	}
}

func (p *page) sendSound(message []byte) {
	p.t.Helper()
	if err := p.conn.Write(p.t.Context(), websocket.MessageBinary, message); err != nil {
		p.t.Log("packets are lost:", err)
	}
}

// stop ends the show after n packets, and waits until it is over.
func (p *page) stop(n int) {
	p.t.Helper()
	p.say(map[string]any{"type": "stop", "count": n})
	if end := p.await("ended"); end["reason"] != "" {
		p.t.Error("ended:", end["reason"])
	}
}

// mustVoice returns n packets of a rising tone, all of which are different.
func mustVoice(t *testing.T, n int) [][]byte {
	t.Helper()
	all, err := voice()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(all[:n])
}

var voice = sync.OnceValues(func() (packets [][]byte, err error) {
	o := opus.Defaults()
	o.Complexity = 0
	encoder, err := opus.NewEncoder(o)
	if err != nil {
		return nil, err
	}
	frame, packet := make([]int16, opus.FrameSize), make([]byte, opus.MaxPacketSize)
	phase := 0.0
	for i := range 3 * maxQueued {
		for j := range frame {
			phase += 2 * math.Pi * (200 + float64(i)) / opus.SampleRate
			frame[j] = int16(8000 * math.Sin(phase))
		}
		size, err := encoder.Encode(frame, packet)
		if err != nil {
			return nil, err
		}
		packets = append(packets, bytes.Clone(packet[:size]))
	}
	return packets, nil
})

// mustEqual compares what was recorded with what was sent, byte for byte but for checkpoints.
func mustEqual(t *testing.T, recorded, sent [][]byte) {
	t.Helper()
	recorded, sent = showtest.Sound(t, recorded), showtest.Sound(t, sent)
	if len(recorded) != len(sent) {
		t.Fatalf("%d packets are recorded, %d were sent", len(recorded), len(sent))
	}
	for i := range sent {
		if !bytes.Equal(recorded[i], sent[i]) {
			t.Fatalf("packet %d differs", i)
		}
	}
}
