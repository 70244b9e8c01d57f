package capture

import (
	"math"

	// A port of Speex's resampler (MIT), complete since 2017. Measured in November 2026 beside what is
	// maintained in pure Go: tphakala/go-audio-resampler 1.0.0 (LGPL) has no filter on the way down, a
	// tone of 30 kHz at 96 kHz comes back at full level where this one has -118 dB, and runs at half the
	// speed; gopxl/beep 2.1.1 has none either, and loses 2.4 dB at 18 kHz where this one loses nothing.
	"github.com/oov/audio/resampler"

	"broadcastbot/internal/opus"
)

const (
	minSampleRate = 1000
	maxSampleRate = 768000
	// resampleQuality of 0 to 10. The alias of 44.1 to 48 kHz is more than 100 dB down
	// from 4 on.
	resampleQuality = 6
)

// rateConverter brings sound of any rate to interleaved 16 bits at 48 kHz. Its output
// is as long as its input and not delayed.
type rateConverter struct {
	rate     int
	channels int
	filter   *resampler.Resampler // nil at 48 kHz
	in, out  int64                // samples per channel so far
	planes   [][]float64
}

func newRateConverter(rate, channels int) *rateConverter {
	c := &rateConverter{rate: rate, channels: channels, planes: make([][]float64, channels)}
	if rate != opus.SampleRate {
		c.filter = resampler.NewWithSkipZeros(channels, rate, opus.SampleRate, resampleQuality)
	}
	return c
}

// convert appends to pcm what the next samples, one equally long slice for each
// channel, become.
func (c *rateConverter) convert(pcm []int16, planes [][]float64) []int16 {
	c.in += int64(len(planes[0]))
	if c.filter == nil {
		return interleave(pcm, planes, len(planes[0]))
	}
	return c.run(pcm, planes, len(planes[0])*opus.SampleRate/c.rate+2)
}

// finish appends what is still inside the filter.
func (c *rateConverter) finish(pcm []int16) []int16 {
	if c.filter == nil {
		return pcm
	}
	silence := make([][]float64, c.channels)
	for i := range silence {
		silence[i] = make([]float64, c.filter.InputLatency()+1)
	}
	due := (c.in*opus.SampleRate+int64(c.rate)/2)/int64(c.rate) - c.out
	return c.run(pcm, silence, int(max(due, 0)))
}

// run filters the planes into at most limit samples per channel, which are all of them
// except at the end.
func (c *rateConverter) run(pcm []int16, planes [][]float64, limit int) []int16 {
	written := 0
	for i, plane := range planes {
		if len(c.planes[i]) < limit {
			c.planes[i] = make([]float64, limit)
		}
		_, written = c.filter.ProcessFloat64(i, plane, c.planes[i][:limit])
	}
	c.out += int64(written)
	return interleave(pcm, c.planes, written)
}

func interleave(pcm []int16, planes [][]float64, n int) []int16 {
	for i := range n {
		for _, plane := range planes {
			pcm = append(pcm, quantise(plane[i]))
		}
	}
	return pcm
}

// quantise rounds a sample from -1 to 1 to 16 bits; louder ones are clipped, and what
// is not a number is silence.
func quantise(sample float64) int16 {
	if math.IsNaN(sample) {
		return 0
	}
	return int16(math.Round(max(math.MinInt16, min(math.MaxInt16, sample*(1<<15)))))
}
