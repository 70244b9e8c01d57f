package listener_test

import (
	"fmt"
	"math"
	"testing"

	"broadcastbot/internal/listener"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/pulsetest"
)

// TestPlayer: what is written comes out of the loudspeaker, whole and once.
func TestPlayer(t *testing.T) {
	pulsetest.Attempts(t, func() error { return playTone(t) })
}

func playTone(t *testing.T) error {
	server := pulsetest.Start(t)
	heard := server.Loudspeaker(t)
	player, err := listener.NewPlayer(1)
	if err != nil {
		t.Fatal(err)
	}
	const seconds = 2
	pcm := make([]int16, seconds*opus.SampleRate)
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*1000*float64(i)/opus.SampleRate))
	}
	for rest := pcm; len(rest) > 0; rest = rest[opus.FrameSize:] {
		if err := player.Write(t.Context(), rest[:opus.FrameSize]); err != nil {
			t.Fatal(err)
		}
	}
	player.Drain(t.Context())
	played := heard()
	player.Close()
	if got, want := loud(played), loud(pcm); math.Abs(float64(got-want)) > 0.01*float64(want) {
		return fmt.Errorf("%d loud samples were heard, want %d", got, want)
	}
	return nil
}

// loud counts the samples that are no silence.
func loud(pcm []int16) (n int) {
	for _, sample := range pcm {
		if sample > 4000 || sample < -4000 {
			n++
		}
	}
	return n
}
