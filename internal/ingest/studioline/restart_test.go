package studioline

import (
	"testing"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/opus"
)

// TestResumedBitrate: a show that goes on after a restart keeps its size of packets, and its page is told,
// whatever the config says now.
func TestResumedBitrate(t *testing.T) {
	for name, test := range map[string]struct {
		bitrate, slot int // of the show
		now           opus.EncoderOptions
	}{
		"lower now": {32000, 80, opus.EncoderOptions{Channels: 1, Bitrate: 16000}},
		"VBR now":   {32000, 80, opus.EncoderOptions{Channels: 1, Bitrate: 16000, VBR: true}},
		"VBR then":  {0, 0, opus.EncoderOptions{Channels: 1, Bitrate: 16000}},
		"unchanged": {16000, 40, opus.EncoderOptions{Channels: 1, Bitrate: 16000}},
	} {
		s := New(Options{Grace: time.Minute, Encoder: test.now})
		source := s.openSource("studio:x", capture.Options{Encoder: test.now, Resumed: true, Bitrate: test.bitrate})
		audio := source.pass.welcome("")["audio"].(map[string]any)
		if isVBR := test.bitrate == 0; source.slot != test.slot || audio["vbr"] != isVBR || !isVBR && audio["bitrate"] != test.bitrate {
			t.Errorf("%s: packets have %d bytes, want %d; the page is told %v", name, source.slot, test.slot, audio)
		}
	}
}

// TestRestarted: the link of a show that was about to begin when the station was killed is good for
// another try; that of one that is over says why.
func TestRestarted(t *testing.T) {
	dir := t.TempDir()
	s, err := startStation(stationOptions{dir: dir, address: "127.0.0.1:0", grace: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	over := newPage(t, s, 10)
	over.goOnAirWith(10)
	over.conn.CloseNow()
	s.mustEnd(t)
	started := newPage(t, s, 10)
	_, err = s.store.DB().ExecContext(t.Context(), `UPDATE pass SET used = 1 WHERE used = 0`) // and the station is killed
	if err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if s, err = startStation(stationOptions{dir: dir, address: s.address, grace: time.Minute}); err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	over.mustDial()
	welcome := over.await("welcome", "refused")
	if welcome["state"] != "ended" || welcome["reason"] != "The show is over: the speaker's line did not come back." {
		t.Errorf("the show is over: %v", welcome)
	}
	started.goOnAir()
	started.send(0, 10)
	started.stop(10)
}
