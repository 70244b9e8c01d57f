package icecast

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/testhelp"
)

// TestHotMic: a program whose show was stopped is not on air again because its line breaks, but when its
// speaker says so, or when it has been away for long.
func TestHotMic(t *testing.T) {
	t.Parallel()
	s := newStation(t, Options{Auto: true})
	stream := mustOpus(t, 0, 1)
	stream = stream[:len(stream)-1] // its end does not come
	conn, _ := dial(t, s.own, head+basic(password))
	conn.Write(stream)
	show := s.mustStart()
	show.source.Close() // as a session does that was stopped
	testhelp.Eventually(t, "Alice is told", func() bool {
		return len(s.heard()) == 1 && strings.Contains(s.heard()[0], "!live start icecast")
	})
	for range 2 {
		conn.Close()
		testhelp.Eventually(t, "the line is over", func() bool { return !s.server.lines.has("abc") })
		conn, _ = dial(t, s.own, head+basic(password))
		conn.Write(stream)
		testhelp.Eventually(t, "its sound is read", func() bool {
			s.server.lines.mu.Lock()
			defer s.server.lines.mu.Unlock()
			l := s.server.lines.byMount["abc"]
			return l != nil && l.started
		})
	}
	if len(s.shows) > 0 {
		t.Fatal("it is on air unasked")
	}
	if err := s.begin("icecast:abc", "", capture.Options{}); err != nil {
		t.Fatal(err)
	}
	s.mustStart()
	ls := s.server.lines
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.isHeld("abc") {
		t.Error("it is held after its speaker has put it on air")
	}
	if ls.held["abc"] = time.Now().Add(-holding); ls.isHeld("abc") {
		t.Error("it is held for ever")
	}
}

// TestSoundless: bytes without a sound are no stream.
func TestSoundless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var packets int
		w := &watched{Reader: bytes.NewReader(make([]byte, 100)), received: func() int { return packets }}
		b := make([]byte, 1)
		for range 4 {
			packets++
			for range 3 {
				if _, err := w.Read(b); err != nil {
					t.Fatal(err)
				}
				time.Sleep(soundless / 2)
			}
		}
		if _, err := w.Read(b); !errors.Is(err, errSoundless) || !w.ended {
			t.Errorf("without a sound: %v", err)
		}
	})
}
