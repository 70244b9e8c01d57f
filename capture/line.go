package capture

import (
	"errors"
	"time"
)

// ErrLineGone means that a speaker's line was broken and did not come back in time.
var ErrLineGone = errors.New("the speaker's line did not come back")

// What a Source may be besides, where its sound comes over a line that can break. While the line is
// down, ReadPacket waits. All methods may be called from any goroutine.
type (
	// DurableSource is told what has reached the disk: its other end keeps the rest, to send it again.
	DurableSource interface {
		// Durable says that so many samples (48 kHz) of the show are durable now, those that it had
		// before a restart included.
		Durable(samples int64)
	}
	// CapturedSource knows when its sound was captured. That of every other source counts as captured
	// when it is read.
	CapturedSource interface {
		// Captured returns when the end of the packet that ReadPacket returned last was captured. It is
		// what the other end says, so it may be any time at all. The zero time: not known.
		Captured() time.Time
	}
	// LineSource knows whether its line is down.
	LineSource interface {
		// LineDown returns since when the line is down. The zero time: it is not.
		LineDown() time.Time
	}
	// PlayingSource knows what is playing.
	PlayingSource interface {
		// Playing returns what the other end says that it plays; "": it does not say.
		Playing() string
	}
	// ConcludedSource is told how the show has ended, before Close.
	ConcludedSource interface {
		// Concluded gets the reason that the room reads; "": the show came to its own end, or somebody
		// has stopped it.
		Concluded(reason string)
	}
)
