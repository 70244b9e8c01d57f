package bot

import (
	"context"
	"slices"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/command"
)

// commandLifetime is how late a command may arrive. A microphone must not open because of a message
// that another server had kept back for an hour.
const commandLifetime = 5 * time.Minute

// clockSkew is how far the sender's server may be ahead of us.
const clockSkew = time.Minute

// onMessage has a message answered if it is a command.
func (h *eventHandler) onMessage(ctx context.Context, evt *event.Event) {
	content := evt.Content.AsMessage()
	if ctx.Err() != nil { // late keys may decrypt a message after the end
		return
	}
	if evt.Sender == h.client.UserID || content.MsgType != event.MsgText || content.RelatesTo.GetReplaceID() != "" {
		return
	}
	content.RemoveReplyFallback()
	words, ok := command.Parse(content.Body)
	if !ok {
		return
	}
	if !h.isCurrent(evt) {
		h.log.Info("ignored a command of another time", "room", evt.RoomID, "user", evt.Sender, "sent", time.UnixMilli(evt.Timestamp))
		return
	}
	enqueue := h.tasks.enqueue
	if h.commands.IsUrgent(h.request(ctx, evt, words)) {
		enqueue = h.tasks.replaceWaiting
	}
	enqueue(evt.RoomID, func() { h.answer(ctx, evt, words) })
}

// answer carries out a command when its turn has come, and posts the answer. The command may have
// waited for long, so its time is looked at once more.
func (h *eventHandler) answer(ctx context.Context, evt *event.Event, words []string) {
	log := h.log.With("room", evt.RoomID, "user", evt.Sender)
	if !h.isCurrent(evt) {
		log.Info("ignored a command that had to wait for too long")
		return
	}
	if !h.isAuthentic(ctx, evt) {
		log.Warn("ignored a command: it came without encryption into an encrypted room, or from a device that is not the sender's",
			"trust", evt.Mautrix.TrustState.String())
		return
	}
	if err := h.bot.reply(ctx, evt, h.commands.Answer(ctx, h.request(ctx, evt, words))); err != nil {
		log.Warn("a command could not be answered", "err", err)
	}
}

// isCurrent is false for what was said before we came, long ago, or in the future: a server that
// lies about the time could keep such a message back.
func (h *eventHandler) isCurrent(evt *event.Event) bool {
	said := time.UnixMilli(evt.Timestamp)
	age := time.Since(said)
	return !said.Before(h.started) && age < commandLifetime && age > -clockSkew && h.joined.contains(evt.RoomID)
}

// untrusted are the states of a message whose key is not known to belong to one of its sender's
// devices. mautrix decrypts it all the same.
var untrusted = []id.TrustState{
	id.TrustStateBlacklisted,
	id.TrustStateDeviceKeyMismatch,
	id.TrustStateUnknownDevice,
	id.TrustStateForwarded,
	id.TrustStateBackup,
}

// isAuthentic is false for a command in clear text where members encrypt, and for one that was not
// encrypted by a device of its sender. It does not ask that the device be verified: one that the
// homeserver has added to the sender's account still passes. Only a bot that wants every device
// signed by its user (cross-signing) could prevent that.
func (h *eventHandler) isAuthentic(ctx context.Context, evt *event.Event) bool {
	if evt.Mautrix.EventSource&event.SourceDecrypted != 0 {
		return !slices.Contains(untrusted, evt.Mautrix.TrustState)
	}
	encrypted, err := h.bot.IsEncrypted(ctx, evt.RoomID.String())
	if err != nil {
		h.log.Warn("a command in clear text cannot be judged", "room", evt.RoomID, "err", err)
	}
	return err == nil && !encrypted
}

// request is what a message asks for, with the power that its sender has now.
func (h *eventHandler) request(ctx context.Context, evt *event.Event, words []string) command.Request {
	return command.Request{
		Room: evt.RoomID.String(), User: evt.Sender.String(), Power: h.power(ctx, evt.RoomID, evt.Sender), Words: words,
	}
}

// power is the user's power level in the room: 0 where it is not known.
func (h *eventHandler) power(ctx context.Context, room id.RoomID, user id.UserID) int {
	levels, err := h.client.StateStore.GetPowerLevels(ctx, room)
	if err != nil || levels == nil {
		return 0
	}
	return levels.GetUserLevel(user)
}
