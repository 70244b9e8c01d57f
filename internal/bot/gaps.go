package bot

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/retry"
)

// A gap is read in pages of so many events. What is before the last page is not read: a flood would
// keep the bot busy for ever.
const (
	gapPage     = 100
	maxGapPages = 10
)

// keyPolicy is how often what was missed is looked at until the keys to it are there, a quarter of a
// minute long. They come on a way of their own, as do the devices of those who sent it.
var keyPolicy = retry.Policy{First: time.Second, Max: 8 * time.Second, Attempts: 5}

// readGap looks for commands that only take away in what the homeserver has left out of a sync: members
// who say much at once, or while the bot is down, must not hide a stop. No other command is obeyed from
// there, because it comes too late for its place. from is where the gap ends, to is where it begins.
func (h *moderation) readGap(ctx context.Context, room id.RoomID, from, to string) {
	var unreadable []*event.Event
	for range maxGapPages {
		page, err := h.client.Messages(ctx, room, from, to, mautrix.DirectionBackward, nil, gapPage)
		if err != nil {
			h.log.Warn("what was said in a room meanwhile is not known", "room", room, "err", err)
			break
		}
		for _, evt := range page.Chunk {
			evt.RoomID = room
			if h.onMissed(ctx, evt) != nil {
				unreadable = append(unreadable, evt)
			}
		}
		if from = page.End; from == "" || len(page.Chunk) == 0 {
			break
		}
	}
	h.awaitKeys(ctx, unreadable)
}

// awaitKeys looks at events again until all of them can be judged.
func (h *moderation) awaitKeys(ctx context.Context, unreadable []*event.Event) {
	err := retry.Do(ctx, keyPolicy, func(ctx context.Context) (err error) {
		unreadable = slices.DeleteFunc(unreadable, func(evt *event.Event) bool {
			failed := h.onMissed(ctx, evt)
			err = cmp.Or(err, failed)
			return failed == nil
		})
		return err
	}, nil, nil)
	if err != nil {
		h.log.Info("some of what was missed cannot be read", "events", len(unreadable), "err", err)
	}
}

var errNoDevice = errors.New("the device that sent it is not known yet")

// onMissed has an event of a gap obeyed if it is a command that only takes away. The error means
// that it cannot be read, or that it is not known who sent it.
func (h *moderation) onMissed(ctx context.Context, evt *event.Event) error {
	if err := evt.Content.ParseRaw(evt.Type); evt.StateKey != nil || err != nil && !errors.Is(err, event.ErrContentAlreadyParsed) {
		return nil
	}
	if evt.Type == event.EventEncrypted && h.client.Crypto != nil {
		decrypted, err := h.client.Crypto.Decrypt(ctx, evt)
		if err != nil {
			return err
		}
		if decrypted.Mautrix.TrustState == id.TrustStateUnknownDevice {
			return errNoDevice
		}
		evt = decrypted
	}
	if evt.Type != event.EventMessage {
		return nil
	}
	if words, ok := h.wordsOf(evt); ok && h.commands.IsUrgent(words) {
		h.take(ctx, evt, words)
	}
	return nil
}
