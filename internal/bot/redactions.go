package bot

import (
	"context"
	"sync"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// maxChecks is how many redacted messages of a room are looked up at once.
const maxChecks = 16

// redactionChecks are the redacted messages that are just looked up. Everybody in a room can send a
// redaction, whether it holds or not: each message is looked up once at a time, and not too many are.
type redactionChecks struct {
	mu      sync.Mutex
	running map[id.RoomID]map[id.EventID]bool // true: it was redacted again meanwhile
}

func newRedactionChecks() *redactionChecks {
	return &redactionChecks{running: make(map[id.RoomID]map[id.EventID]bool)}
}

// begin reports whether a message is to be looked up now, by the caller; or whether there are too many.
// It is neither where somebody looks it up already, who will do so once more.
func (c *redactionChecks) begin(room id.RoomID, message id.EventID) (begun, tooMany bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	running := c.running[room]
	if _, known := running[message]; known {
		running[message] = true
		return false, false
	}
	if len(running) >= maxChecks {
		return false, true
	}
	if running == nil {
		running = make(map[id.EventID]bool)
		c.running[room] = running
	}
	running[message] = false
	return true, false
}

// isDone reports whether a message that was looked up was not redacted again meanwhile: the second
// redaction may hold although the first did not.
func (c *redactionChecks) isDone(room id.RoomID, message id.EventID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running[room][message] {
		c.running[room][message] = false
		return false
	}
	if delete(c.running[room], message); len(c.running[room]) == 0 {
		delete(c.running, room)
	}
	return true
}

// onRedaction has the show deleted whose announcement was removed, and forgets a voice message. A
// homeserver acts on no redaction that is encrypted, so that is none. Where there are too many at once,
// all announcements of the room are looked at instead, so that a flood of them hides none.
func (h *moderation) onRedaction(ctx context.Context, evt *event.Event) {
	redacted := evt.Redacts
	if redacted == "" { // since room version 11
		redacted = evt.Content.AsRedaction().Redacts
	}
	isEncrypted := evt.Mautrix.WasEncrypted || evt.Mautrix.EventSource&event.SourceDecrypted != 0
	if redacted == "" || isEncrypted {
		return
	}
	room := evt.RoomID
	h.bot.voices.forget(room, redacted)
	begun, tooMany := h.redactions.begin(room, redacted)
	if tooMany {
		h.checks.replaceWaiting(room, func() { h.commands.CheckAnnouncements(ctx, room.String()) })
	}
	if !begun {
		return
	}
	h.tasks.runBeside(func() {
		for done := false; !done; done = h.redactions.isDone(room, redacted) {
			h.commands.Redacted(ctx, room.String(), redacted.String())
		}
	})
}
