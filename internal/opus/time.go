package opus

import "time"

// Duration returns how long that many samples per channel last. It is exact for
// years, where samples*time.Second would overflow after two days.
func Duration(samples int64) time.Duration {
	whole, rest := samples/SampleRate, samples%SampleRate
	return time.Duration(whole)*time.Second + time.Duration(rest)*time.Second/SampleRate
}

// Samples returns how many samples per channel last as long as d.
func Samples(d time.Duration) int64 {
	return int64(d/time.Second)*SampleRate + int64(d%time.Second)*SampleRate/int64(time.Second)
}
