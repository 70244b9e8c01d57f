package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"broadcastbot/internal/link"
	"broadcastbot/internal/listener"
	"broadcastbot/internal/showtest"
)

// mustHear opens a show of which there are so many packets, and reads them all.
func mustHear(t *testing.T, show *showtest.Show, packets int) *listener.Stream {
	t.Helper()
	var spoken [][]byte
	for range packets {
		spoken = append(spoken, append([]byte{0x78}, make([]byte, 79)...))
	}
	show.Speak(t, spoken)
	l, err := link.Parse(show.Link())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := listener.Open(t.Context(), l, listener.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stream.Close() })
	for range spoken {
		if _, err := stream.ReadPacket(); err != nil {
			t.Fatal(err)
		}
	}
	return stream
}

// TestNothingArrives: whoever keeps a show back does not keep the line at "LIVE" by that.
func TestNothingArrives(t *testing.T) {
	for name, test := range map[string]struct {
		show  *showtest.Show
		first string
	}{
		"signed":     {showtest.NewSigned(t), "LIVE, 0."},
		"not signed": {showtest.New(t), "0.0 s behind the gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			m := newMeter(&out, mustHear(t, test.show, 10), 0, false)
			var later time.Duration
			m.now = func() time.Time { return time.Now().Add(later) }
			redraw := make(chan time.Time)
			stop := m.watch(t.Context(), redraw, nil)
			// To stop is to wait for the line that a tick has begun.
			lineAfter := func(d time.Duration) string {
				later = d
				redraw <- time.Time{}
				stop()
				lines := strings.Split(out.String(), "\r")
				stop = m.watch(t.Context(), redraw, nil)
				return lines[len(lines)-1]
			}
			m.add(make([]int16, 960))
			for _, step := range []struct {
				after time.Duration
				want  string
			}{
				{0, test.first},
				{20 * time.Second, "no sound has arrived for 20 s"},
				{time.Hour, "no sound has arrived for 3600 s"},
			} {
				if line := lineAfter(step.after); !strings.Contains(line, step.want) {
					t.Errorf("%v later: %q, want %q", step.after, line, step.want)
				}
			}
			later = time.Hour
			m.add(make([]int16, 960))
			if line := lineAfter(time.Hour); strings.Contains(line, "LIVE") || strings.Contains(line, "no sound") {
				t.Errorf("sound that comes an hour late: %q", line)
			}
			stop()
		})
	}
}

// TestCalledFinished: that a gateway calls a running show finished does not hide how late it is.
func TestCalledFinished(t *testing.T) {
	show := showtest.NewSigned(t)
	show.HeldBack = 10 * time.Minute
	var out bytes.Buffer
	m := newMeter(&out, mustHear(t, show, 10), 200*time.Millisecond, true)
	m.add(make([]int16, 960))
	now := time.Now()
	m.draw()
	_, spoken, found := strings.Cut(strings.TrimSpace(out.String()), "spoken ")
	at, err := time.ParseInLocation("2 Jan 2006 15:04:05", spoken, time.Local)
	if age := now.Sub(at); !found || err != nil || age < 9*time.Minute || age > 12*time.Minute {
		t.Errorf("%q: %v", out.String(), err)
	}
}
