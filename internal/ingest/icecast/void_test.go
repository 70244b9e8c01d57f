package icecast

import (
	"io"
	"testing"

	"broadcastbot/internal/testhelp"
)

// TestCutOff: when a speaker's mounts are made void, everything ends that has come to them: a program
// that has not said yet what it sends, and a show, whether its program is connected or not.
func TestCutOff(t *testing.T) {
	t.Parallel()
	s := newStation(t, Options{Auto: true})
	stream := mustOpus(t, 0, 1)
	other, _ := dial(t, s.own, "SOURCE /xyz HTTP/1.0\r\n"+basic(password))
	mute, _ := dial(t, s.own, head+basic(password))
	testhelp.Eventually(t, "it is connected", func() bool { return s.server.lines.has("abc") && s.server.lines.has("xyz") })
	s.server.CutOff(room, alice)
	io.Copy(io.Discard, mute)
	if mute.Write(stream); len(s.shows) > 0 {
		t.Error("a show begins with a void password")
	}
	for _, connected := range []bool{true, false} {
		conn, _ := dial(t, s.own, head+basic(password))
		conn.Write(stream)
		show := s.mustStart()
		if !connected {
			conn.Close()
			testhelp.Eventually(t, "the line is down", show.isDown)
		}
		s.server.CutOff(room, alice)
		if <-show.ended; show.err != io.EOF {
			t.Errorf("the show ends with %v", show.err)
		}
	}
	if !s.server.lines.has("xyz") {
		t.Error("the program of another room was cut off")
	}
	other.Close()
}

// TestVoidMeanwhile: what is made void between the check of its password and its first sound does not
// get on air, and its show waits for it as for every program that has left.
func TestVoidMeanwhile(t *testing.T) {
	t.Parallel()
	s := newStation(t, Options{Auto: true})
	stream := mustOpus(t, 0, 1)
	late, _ := dial(t, s.own, head+basic(password)) // its stream comes later
	testhelp.Eventually(t, "it is connected", func() bool { return s.server.lines.has("abc") })
	s.void.Store(true)
	late.Write(stream)
	io.Copy(io.Discard, late)
	joining, _ := dial(t, s.own, head+basic(password))
	joining.Write(stream)
	io.Copy(io.Discard, joining)
	testhelp.Eventually(t, "its line is over", func() bool { return !s.server.lines.has("abc") })
	if len(s.shows) > 0 {
		t.Error("a show has begun")
	}
}
