package bot

import (
	"maps"
	"sync"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// obeyedCommands remembers the newest commands of each user, so that none is carried out twice: a
// homeserver can send one again. Of a user with more than it keeps, it refuses what was sent no later
// than what it has forgotten. So a new command is always obeyed, and an old one never again.
type obeyedCommands struct {
	mu     sync.Mutex
	byUser map[id.UserID]*history
}

// history is what one user has told us.
type history struct {
	sent      map[id.EventID]int64 // when, as the commands say it: Unix milliseconds
	forgotten int64                // the newest of those that are not in sent any more
	last      time.Time            // when one came
}

const (
	maxRemembered = 100  // commands of each user
	maxUsers      = 1000 // whose commands stay remembered when they are too old to be obeyed anyway
)

func newObeyedCommands() *obeyedCommands {
	return &obeyedCommands{byUser: make(map[id.UserID]*history)}
}

// add notes that a command is obeyed. It returns false if it was, or may have been, before.
func (o *obeyedCommands) add(evt *event.Event) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	o.forgetSilent(now)
	h := o.byUser[evt.Sender]
	if h == nil {
		h = &history{sent: make(map[id.EventID]int64)}
		o.byUser[evt.Sender] = h
	}
	if _, known := h.sent[evt.ID]; known || evt.Timestamp <= h.forgotten {
		return false
	}
	h.sent[evt.ID], h.last = evt.Timestamp, now
	if len(h.sent) > maxRemembered {
		h.forgetOldest()
	}
	return true
}

func (h *history) forgetOldest() {
	var oldest id.EventID
	for command, sent := range h.sent {
		if oldest == "" || sent < h.sent[oldest] {
			oldest = command
		}
	}
	h.forgotten = h.sent[oldest]
	delete(h.sent, oldest)
}

// forgetSilent forgets the users whose commands are too old to be obeyed, as long as there are too
// many. The others stay, because a clock that is set back makes old commands current once more.
func (o *obeyedCommands) forgetSilent(now time.Time) {
	if len(o.byUser) <= maxUsers {
		return
	}
	maps.DeleteFunc(o.byUser, func(_ id.UserID, h *history) bool { return now.Sub(h.last) > commandLifetime+clockSkew })
}
