package opus

import "math"

// fullScale is 0 dBFS as an amplitude of 16-bit samples.
const fullScale = 32768

// Level measures how loud sound is, in dBFS: 0 is as loud as it can be. The
// zero value is ready to use.
type Level struct {
	power   float64 // sum of squares
	samples int
}

// Add includes samples in the measurement.
func (l *Level) Add(pcm []int16) {
	for _, v := range pcm {
		sample := int(v)
		l.power += float64(sample * sample)
	}
	l.samples += len(pcm)
}

// RMS returns the level of the mean power in dBFS; -Inf for silence. The loudest
// possible sine has -3.
func (l *Level) RMS() float64 { return decibels(l.amplitude()) }

// amplitude returns the root of the mean power.
func (l *Level) amplitude() float64 {
	return math.Sqrt(l.power / float64(max(l.samples, 1)))
}

// merge includes what other has measured.
func (l *Level) merge(other Level) {
	l.power += other.power
	l.samples += other.samples
}

func decibels(amplitude float64) float64 { return 20 * math.Log10(amplitude/fullScale) }
