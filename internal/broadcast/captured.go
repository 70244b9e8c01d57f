package broadcast

import (
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/opus"
)

// captureClock tells the checkpoints of a track when its sound was captured. A source that says so
// may be wrong, because it repeats what the clock of another machine says. So what it says is
// clamped: it is not before the last checkpoint plus the length of the sound since then, and not
// later than now.
type captureClock struct {
	captured time.Time // of the end of what was written last; zero: the source does not say
	earliest time.Time // at which that can have been captured
}

// note takes the packets that are written next.
func (c *captureClock) note(packets [][]byte, captured time.Time) {
	c.captured = captured
	c.earliest = c.earliest.Add(opus.Duration(int64(opus.PacketsDuration(packets))))
}

// now is the time that a checkpoint tells.
func (c *captureClock) now() time.Time {
	at, now := c.captured, time.Now()
	if at.IsZero() {
		at = now
	} else if at.Before(c.earliest) {
		at = c.earliest
	}
	if at.After(now) {
		at = now
	}
	c.earliest = at
	return at
}

// captured returns when the end of the packet that the source returned last was captured. The zero
// time: when it was read.
func captured(source capture.Source) time.Time {
	if s, ok := source.(capture.CapturedSource); ok {
		return s.Captured()
	}
	return time.Time{}
}
