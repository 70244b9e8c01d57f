package studioline

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/opus"
)

// TestMistakes: what cannot be recorded is refused in a sentence, and the page can go on with what can.
func TestMistakes(t *testing.T) {
	s := mustStation(t, stationOptions{})
	p := newPage(t, s, 30)
	p.goOnAirWith(10)
	now := time.Now()
	tenMilliseconds := bytes.Clone(p.packets[10])
	tenMilliseconds[0] = 8 << 3 // SILK, 10 ms
	for name, mistake := range map[string]struct {
		message []byte
		want    string
	}{
		"hole":     {encode(11, now, p.packets[11:12]), "packet 11 was sent where 10 is wanted"},
		"huge":     {encode(1<<32-1, now, p.packets[11:12]), "was sent where 10 is wanted"},
		"large":    {encode(10, now, [][]byte{append(bytes.Clone(p.packets[10]), 1)}), "80 bytes that each packet has"},
		"short":    {encode(10, now, [][]byte{tenMilliseconds}), "it lasts 10ms, not 20 ms"},
		"no Opus":  {encode(10, now, [][]byte{{3}}), "not an Opus packet"},
		"empty":    {encode(10, now, nil), "does not understand"},
		"no bytes": {nil, "does not understand"},
		"cut off":  {encode(10, now, p.packets[10:11])[:50], "does not understand"},
		"one byte": {append(encode(10, now, p.packets[10:11]), 1), "does not understand"},
		"zero":     {append(encode(11, now, nil), 0, 0), "does not understand"},
	} {
		p.sendSound(mistake.message)
		if answer := p.await("refused"); !strings.Contains(answer["reason"].(string), mistake.want) {
			t.Errorf("%s: %v", name, answer["reason"])
		}
		if code := p.awaitClose(); code != closeMistake {
			t.Errorf("%s: closed with %d", name, code)
		}
		if next := p.resume(); next != 10 {
			t.Fatalf("%s: %d is wanted now", name, next)
		}
	}
	p.say(map[string]any{"type": "dance", "title": 7})
	p.say(map[string]any{"type": "start", "title": strings.Repeat("x", 40_000)})
	p.await("onair")
	p.send(10, 30)
	p.stop(30)
	s.mustHave(t, p.packets)
}

// TestOneSize: shorter packets are padded, so that all have one size; with VBR they stay as they are.
func TestOneSize(t *testing.T) {
	for _, vbr := range []bool{false, true} {
		s := mustStation(t, stationOptions{vbr: vbr})
		p := newPage(t, s, 40)
		for i, packet := range p.packets {
			p.packets[i] = slices.Concat(packet[:1], packet[1:60+i/2])
		}
		p.goOnAir()
		p.send(0, 40)
		p.stop(40)
		show := s.mustHave(t, p.packets)
		if wantBitrate := map[bool]int{false: 32000, true: 0}[vbr]; show.Main().Bitrate != wantBitrate {
			t.Errorf("vbr %v: the show has a bitrate of %d", vbr, show.Main().Bitrate)
		}
		recorded, _ := mustRecording(t, s.url(), show)
		slices.SortFunc(recorded, func(a, b []byte) int { return len(a) - len(b) })
		if isOneSize := len(recorded[1]) == len(recorded[len(recorded)-10]); isOneSize == vbr {
			t.Errorf("vbr %v: packets of %d to %d bytes", vbr, len(recorded[1]), len(recorded[len(recorded)-10]))
		}
	}
}

// newLiveLine is the line of a show that is on air, without a page.
func newLiveLine() *line {
	s := New(Options{Grace: time.Minute})
	l := newLine(s, nil)
	a := s.activate("studio:x")
	a.line, l.pass, a.stage = l, a, live
	a.source = newSource(a, capture.Options{Encoder: opus.Defaults()})
	return l
}

// TestCaptured: each packet has its own time, counted back from that of the message.
func TestCaptured(t *testing.T) {
	l := newLiveLine()
	a := l.pass
	a.source.pace = pace{isSpoken: true, latest: time.Now().Add(time.Hour)} // it is believed
	packets := mustVoice(t, 3)
	at := time.UnixMilli(1795425442479)
	if err := l.takeSound(t.Context(), encode(0, at, packets)); err != nil {
		t.Fatal(err)
	}
	for i, want := range packets {
		packet, err := a.source.ReadPacket(t.Context())
		if err != nil || !bytes.Equal(packet, want) {
			t.Fatalf("packet %d: %v", i, err)
		}
		if got, want := a.source.Captured(), at.Add(time.Duration(i-2)*20*time.Millisecond); !got.Equal(want) {
			t.Errorf("packet %d was captured at %v, want %v", i, got, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.source.ReadPacket(ctx); err != context.Canceled {
		t.Error("the next one:", err)
	}
}

// TestQueueIsLimited: a line that brings more than the show takes has to wait, and loses nothing.
func TestQueueIsLimited(t *testing.T) {
	l := newLiveLine()
	air := l.pass.source
	packets := mustVoice(t, 3*maxQueued)
	pushed := make(chan error)
	go func() { pushed <- l.takeSound(t.Context(), encode(0, time.Now(), packets)) }()
	for i, want := range packets {
		packet, err := air.ReadPacket(t.Context())
		if err != nil || !bytes.Equal(packet, want) {
			t.Fatalf("packet %d: %v", i, err)
		}
		unlock := air.lock()
		if n := len(air.queue); n > maxQueued {
			t.Errorf("%d packets wait", n)
		}
		unlock()
	}
	if err := <-pushed; err != nil {
		t.Error(err)
	}
}

func FuzzSound(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(encode(7, time.UnixMilli(1795425442479), [][]byte{{0xF8, 1}, {0xF8, 2, 3}}))
	f.Add(encode(1<<32-1, time.UnixMilli(-1<<63), [][]byte{{0}}))
	f.Fuzz(func(t *testing.T, message []byte) {
		s, err := parseSound(message)
		if err != nil {
			return
		}
		if !bytes.Equal(encode(int(s.number), s.captured, s.packets), message) {
			t.Errorf("%x was read as %+v", message, s)
		}
	})
}

// TestLateSound: what a page brings after a broken line is as old for listeners as it is, also if the
// page's clock is ahead by more than that.
func TestLateSound(t *testing.T) {
	s := mustStation(t, stationOptions{})
	p := newPage(t, s, 50)
	p.goOnAir()
	onAir := time.Now()
	time.Sleep(1500 * time.Millisecond) // the sound of one second cannot be younger than that
	p.sendSound(encode(0, time.Now().Add(time.Minute), p.packets))
	p.stop(50)
	show := s.mustHave(t, p.packets)
	_, captured := mustRecording(t, s.url(), show)
	if last := captured[len(captured)-1].Sub(onAir); last > time.Second {
		t.Errorf("the last word of the first second was captured after %v", last)
	}
}

// TestPace: what comes faster than it lasts is not live, and what comes after a lull is not before that is
// clear, whatever the page says. What is spoken after a pause is live again then.
func TestPace(t *testing.T) {
	now := time.Now()
	p := pace{captured: now}
	for i, phase := range []struct {
		lull, every time.Duration
		packets     int
		age         time.Duration // of the last of them
	}{
		{0, packetDuration, 150, 0},
		{time.Second, packetDuration, 1, 0},
		{time.Minute, time.Millisecond, 2000, 22 * time.Second}, // the first of a minute that was kept
		{0, time.Millisecond, 900, 22*time.Second - 900*19*time.Millisecond},
		{0, packetDuration, 250, 0},
		{time.Minute, packetDuration, 99, time.Minute}, // a pause
		{0, packetDuration, 1, 0},
		{0, 15 * time.Millisecond, 50, 0}, // what the network has held up
		{time.Minute, packetDuration, 100, 0},
	} {
		now = now.Add(phase.lull)
		var captured time.Time
		for range phase.packets {
			now = now.Add(phase.every)
			captured = p.note(now, now.Add(time.Minute)) // by a clock that is ahead
		}
		later := p
		if again := later.note(now, now.Add(-time.Hour)); again.Before(captured) {
			t.Errorf("phase %d: the time goes back by %v", i, captured.Sub(again))
		}
		if age := now.Sub(captured); age != phase.age {
			t.Errorf("phase %d: the sound is %v old, want %v", i, age, phase.age)
		}
	}
}

// TestReplacedLine: what a line brings that was replaced is dropped, and it starts and stops nothing.
func TestReplacedLine(t *testing.T) {
	newest := newLiveLine()
	a := newest.pass
	old := newLine(newest.studio, nil)
	old.pass = a
	packets := mustVoice(t, 2)
	for i, l := range []*line{old, newest} {
		l.stop(int64(5 - i))
		if err := l.takeSound(t.Context(), encode(0, time.Now(), packets[i:i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if packet, err := a.source.ReadPacket(t.Context()); err != nil || !bytes.Equal(packet, packets[1]) {
		t.Errorf("the packet of the older line is recorded, %v", err)
	}
	if a.source.count != 4 {
		t.Errorf("the older line has ended the show after %d packets", a.source.count)
	}
	a.stage = off
	old.start("Town hall", 0)
	if a.stage != off {
		t.Error("the older line starts the show")
	}
}
