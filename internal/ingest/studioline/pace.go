package studioline

import (
	"time"

	"broadcastbot/internal/opus"
)

// pace tells sound that comes as it is spoken from sound that a page has kept, which comes faster than it
// lasts. What was kept is old, whatever the page's clock says.
type pace struct {
	isSpoken bool      // as far as the last window told
	packets  int       // in the window so far
	since    time.Time // when the window began
	latest   time.Time // when the latest packet came
	captured time.Time // the end of that packet
}

// packetDuration is how long a packet lasts.
var packetDuration = opus.Duration(packetSamples)

const (
	// paceWindow is how many packets tell the pace: two seconds.
	paceWindow = 100
	// minPace is how long they take at least if they come as they are spoken.
	minPace = 1500 * time.Millisecond
	// lull is how long nothing may come without the next being taken for what was kept meanwhile.
	lull = 2 * time.Second
)

// note takes note of a packet that comes now, and returns when its end was captured: what the page says,
// or, where it was kept, as long after the one before as it lasts. The time never goes back. After a lull
// the page is not believed before a whole window has told the pace.
func (p *pace) note(now, says time.Time) (captured time.Time) {
	if now.Sub(p.latest) > lull {
		p.isSpoken, p.packets, p.since = false, 0, now
	}
	p.latest = now
	if p.packets++; p.packets == paceWindow {
		p.isSpoken, p.packets, p.since = now.Sub(p.since) >= minPace, 0, now
	}
	switch {
	case !p.isSpoken:
		p.captured = p.captured.Add(packetDuration)
	case says.After(p.captured):
		p.captured = says
	}
	if p.captured.After(now) {
		p.captured = now
	}
	return p.captured
}
