package capture

import (
	"math"
	"math/bits"
)

// Speakers in the order of their bits in a WAVEFORMATEXTENSIBLE channel mask, and what
// of each goes left and right: half-power for the middle, nothing of the low-frequency
// effects.
var speakerGains = [...][2]float64{
	{1, 0}, {0, 1}, {math.Sqrt2 / 2, math.Sqrt2 / 2}, {0, 0}, // front left, front right, front centre, effects
	{1, 0}, {0, 1}, {1, 0}, {0, 1}, // back left, back right, left of centre, right of centre
	{math.Sqrt2 / 2, math.Sqrt2 / 2}, {1, 0}, {0, 1}, // back centre, side left, side right
}

// usualMasks are the speakers of 1 to 8 channels when a file does not say.
var usualMasks = [...]uint32{0x4, 0x3, 0x7, 0x33, 0x37, 0x3F, 0x13F, 0x63F}

// mixer turns the channels of a file into those of the encoder.
type mixer struct {
	gains [][]float64 // [out][in]
}

// newMixer makes a mixer from in channels with a WAVE mask (0: unknown) to out, 1 or 2,
// channels. The gains of an output add up to 1, so nothing clips.
func newMixer(in int, mask uint32, out int) mixer {
	m := mixer{gains: make([][]float64, out)}
	for o := range m.gains {
		m.gains[o] = make([]float64, in)
		for i, speaker := range speakers(in, mask) {
			m.gains[o][i] = gain(speaker, o, out)
		}
		normalise(m.gains[o])
	}
	return m
}

// speakers returns the index in speakerGains for each of n channels, or -1.
func speakers(n int, mask uint32) []int {
	if bits.OnesCount32(mask) != n && n <= len(usualMasks) {
		mask = usualMasks[n-1]
	}
	found := make([]int, n)
	for i := range found {
		found[i] = -1
		if mask != 0 {
			found[i] = bits.TrailingZeros32(mask)
			mask &= mask - 1
		}
	}
	return found
}

// gain returns how much of a speaker goes to output o of n; channels of unknown
// speakers go everywhere.
func gain(speaker, o, n int) float64 {
	switch {
	case speaker < 0 || speaker >= len(speakerGains):
		return 1
	case n == 1:
		return speakerGains[speaker][0] + speakerGains[speaker][1]
	}
	return speakerGains[speaker][o]
}

func normalise(gains []float64) {
	var sum float64
	for _, g := range gains {
		sum += g
	}
	for i := range gains {
		if sum > 0 {
			gains[i] /= sum
		} else {
			gains[i] = 1 / float64(len(gains)) // only an effects channel, say: better than silence
		}
	}
}

// mix returns output channel o of one frame.
func (m mixer) mix(o int, frame []float64) float64 {
	var sum float64
	for i, sample := range frame {
		sum += m.gains[o][i] * sample
	}
	return sum
}
