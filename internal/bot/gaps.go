package bot

import (
	"context"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// A gap is read in pages of so many events. What is before the last page is not read: a flood would keep
// the bot busy for ever.
const (
	gapPage     = 100
	maxGapPages = 10
)

// readGap looks for commands that only take away in what the homeserver has left out of a sync: members
// who say much at once, or while the bot is down, must not hide a stop. No other command is obeyed from
// there, because it comes too late for its place. from is where the gap ends, to is where it begins.
func (h *eventHandler) readGap(ctx context.Context, room id.RoomID, from, to string) {
	for range maxGapPages {
		page, err := h.client.Messages(ctx, room, from, to, mautrix.DirectionBackward, nil, gapPage)
		if err != nil {
			h.log.Warn("what was said in a room meanwhile is not known", "room", room, "err", err)
			return
		}
		for _, evt := range page.Chunk {
			evt.RoomID = room
			h.onMissed(ctx, evt)
		}
		if from = page.End; from == "" || len(page.Chunk) == 0 {
			return
		}
	}
}

// onMissed has an event of a gap obeyed if it is a command that only takes away.
func (h *eventHandler) onMissed(ctx context.Context, evt *event.Event) {
	if evt.StateKey != nil || evt.Content.ParseRaw(evt.Type) != nil {
		return
	}
	if evt.Type == event.EventEncrypted && h.client.Crypto != nil {
		decrypted, err := h.client.Crypto.Decrypt(ctx, evt)
		if err != nil {
			h.log.Info("an event that was missed cannot be read", "room", evt.RoomID, "event", evt.ID, "err", err)
			return
		}
		evt = decrypted
	}
	if evt.Type != event.EventMessage {
		return
	}
	if words, ok := h.wordsOf(evt); ok && h.commands.IsUrgent(words) {
		h.take(ctx, evt, words)
	}
}
