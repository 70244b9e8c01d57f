package opus

import (
	"math"
	"testing"
)

func TestLevel(t *testing.T) {
	for _, test := range []struct {
		name string
		pcm  []int16
		rms  float64
	}{
		{"nothing", nil, math.Inf(-1)},
		{"silence", make([]int16, 100), math.Inf(-1)},
		{"the lowest sample", []int16{-32768}, 0},
		{"full sine", tone(1000, 1, SampleRate), -3.01},
		{"tenth of a sine", tone(1000, 0.1, SampleRate), -23.01},
		{"one in four", []int16{0, 16384, 0, 0}, -12.04},
	} {
		t.Run(test.name, func(t *testing.T) {
			var level Level
			half := len(test.pcm) / 2
			level.Add(test.pcm[:half])
			level.Add(test.pcm[half:])
			if rms := level.RMS(); rms != test.rms && math.Abs(rms-test.rms) > 0.01 {
				t.Errorf("RMS = %v, want %v", rms, test.rms)
			}
		})
	}
}
