package capture

import (
	"time"

	"broadcastbot/internal/opus"
)

const (
	// timelineWindow is how long frames are watched before they are judged late: bursts
	// and hiccups even out within it.
	timelineWindow = time.Second
	// timelineTolerance is how far a recording may be from the clock, in frames (50
	// ms), before it is put right.
	timelineTolerance = opus.SampleRate / 20
)

// timeline holds the frames of a device against the monotonic clock, so that a
// recording is as long as the time it took.
//
// Frames come late and in bursts, but never before they were recorded. So the smallest
// lag within a window is the true one: what is missing then was lost by the sound
// system, or the device's crystal is slow.
type timeline struct {
	start      time.Time // when the first frame was recorded; zero before it
	frames     int64     // recorded since then, silence included
	windowEnd  time.Time
	lag        int64 // smallest of this window, in frames
	calibrated bool  // the first window, which measures how late this device is by nature, is over
}

// arrived counts n frames that came at now, and returns the frames of silence that are
// missing; a negative number means frames too many. The caller adds to frames what it
// corrected.
func (t *timeline) arrived(now time.Time, n int) (missing int64) {
	if t.start.IsZero() {
		t.start = now.Add(-opus.Duration(int64(n)))
		t.openWindow(now)
	}
	t.frames += int64(n)
	t.lag = min(t.lag, t.behind(now))
	if now.Before(t.windowEnd) {
		return 0
	}
	lag := t.lag
	t.openWindow(now)
	return t.correction(lag)
}

// correction returns what is missing by the smallest lag of a window, nothing within the
// tolerance. The first window calibrates.
func (t *timeline) correction(lag int64) (missing int64) {
	if !t.calibrated && lag > -int64(opus.SampleRate) { // nothing is that early by nature
		t.calibrated = true
		t.start = t.start.Add(opus.Duration(lag))
		return 0
	}
	if lag >= -timelineTolerance && lag <= timelineTolerance {
		return 0
	}
	return lag
}

func (t *timeline) openWindow(now time.Time) {
	t.windowEnd = now.Add(timelineWindow)
	t.lag = 1 << 62
}

// behind returns how many frames the recording lags behind the clock.
func (t *timeline) behind(now time.Time) int64 {
	return opus.Samples(now.Sub(t.start)) - t.frames
}
