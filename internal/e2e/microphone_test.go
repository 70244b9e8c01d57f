package e2e

import (
	"context"
	"math"
	"strings"
	"testing"

	"broadcastbot/internal/opus"
	"broadcastbot/internal/pulsetest"
	"broadcastbot/store"
)

const (
	pitch  = 1000 // Hz, of what is said into the microphone
	louder = 8000
)

func note(i int) int16 {
	return int16(louder * math.Sin(2*math.Pi*pitch*float64(i)/opus.SampleRate))
}

// TestMicrophone: what is said into a microphone is heard by the listener; when
// the microphone goes away, the room is told, and the recording stays.
func TestMicrophone(t *testing.T) {
	pulse := pulsetest.Start(t)
	microphone := pulse.Microphone(t, "mic", "VirtualMic")
	h := mustTheatre(t, "device:VirtualMic")
	ctx, cancel := context.WithCancel(t.Context())
	speaking := make(chan struct{})
	go func() {
		defer close(speaking)
		microphone.Play(ctx, 3600*opus.SampleRate, note)
	}()
	t.Cleanup(func() { cancel(); <-speaking })

	h.mustSay(t, "!live start Spoken")
	live, _ := h.mustState(t, store.StateLive)
	stream := mustStream(t, live)
	heard := mustFirst(t, stream, 150)
	if share := shareOfPitch(t, heard[50:]); share < 0.9 {
		t.Errorf("%.0f %% of what is heard is what was said", 100*share)
	}

	pulse.Kill()
	heard = append(heard, mustRest(t, stream)...)
	broken, evt := h.mustState(t, store.StateInterrupted)
	if body := evt.Content.AsMessage().Body; !strings.Contains(body, "microphone") {
		t.Errorf("the room reads %q", body)
	}
	mustEqual(t, "replay", mustRest(t, mustStream(t, broken)), heard)
}

// shareOfPitch returns how much of the power of the sound is at the pitch
// (Goertzel's algorithm).
func shareOfPitch(t *testing.T, packets [][]byte) float64 {
	t.Helper()
	decoder, err := opus.NewDecoder(1)
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, opus.MaxPacketSamples)
	var s1, s2, power float64
	var n int
	step := 2 * math.Cos(2*math.Pi*pitch/opus.SampleRate)
	for _, packet := range packets {
		count, err := decoder.Decode(packet, pcm)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range pcm[:count] {
			x := float64(v)
			s1, s2 = x+step*s1-s2, s1
			power += x * x
			n++
		}
	}
	return (s1*s1 + s2*s2 - step*s1*s2) * 2 / (float64(n) * power)
}
