package opus

import (
	"testing"
	"time"
)

func TestDurationOfDays(t *testing.T) {
	for _, d := range []time.Duration{0, 20 * time.Millisecond, time.Hour, 54 * time.Hour, 1000 * time.Hour} {
		if got := Duration(Samples(d)); got != d {
			t.Errorf("%v becomes %v", d, got)
		}
	}
	if got := Samples(-time.Second); got != -SampleRate {
		t.Errorf("Samples(-1s) = %d", got)
	}
}
