package capture

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"broadcastbot/internal/opus"
)

func TestTone(t *testing.T) {
	source := mustOpen(t, "tone:1000,duration=10s", Options{Encoder: clean(1), FullSpeed: true})
	packets := mustReadAll(t, source)
	pcm := mustDecode(t, source.Format(), packets, source.EndTrim())
	if len(pcm) != 10*opus.SampleRate {
		t.Fatalf("%d samples, want 10 s", len(pcm))
	}
	const quarter = opus.SampleRate / 4
	for second := range 10 {
		want := 1000.0
		if second == 9 {
			want = 2000
		}
		beep, pause := pcm[second*opus.SampleRate+quarter/2:][:quarter], pcm[second*opus.SampleRate+5*quarter/2:][:quarter]
		if got := pitch(beep); math.Abs(got-want) > want/200 {
			t.Errorf("second %d beeps at %.1f Hz, want %.0f", second, got, want)
		}
		if got := level(beep); got < 5000 || got > 6500 {
			t.Errorf("second %d beeps at a level of %.0f, want 5793", second, got)
		}
		if got := level(pause); got > 50 {
			t.Errorf("the pause of second %d has a level of %.0f", second, got)
		}
	}
}

// pitch counts the rising zero crossings per second.
func pitch(pcm []int16) float64 {
	first, last, n := -1, 0, 0
	for i := 1; i < len(pcm); i++ {
		if pcm[i-1] < 0 && pcm[i] >= 0 {
			if first < 0 {
				first = i
			} else {
				n++
			}
			last = i
		}
	}
	return float64(n) * opus.SampleRate / float64(last-first)
}

func TestToneTakesRealTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := mustOpen(t, "tone:", Options{Encoder: clean(1)})
		start := time.Now()
		for range 501 {
			mustRead(t, source)
		}
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("packet 500 came after %v, want 10s", took)
		}
	})
}

func TestToneSpecs(t *testing.T) {
	for spec, ok := range map[string]bool{
		"": true, "440": true, "440.5": true, "20000": true, "440,duration=1h": true, ",duration=1ns": true,
		"a": false, "19": false, "20001": false, "NaN": false, "440,": false, "440,duration=0s": false, "440,30s": false, "440,duration=30": false,
	} {
		if _, err := parseTone(spec); (err == nil) != ok {
			t.Errorf("tone:%s: %v", spec, err)
		}
	}
}
