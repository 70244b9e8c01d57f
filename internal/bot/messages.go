package bot

import (
	"cmp"
	"context"
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
	isEdit := content.RelatesTo.GetReplaceID() != "" || content.NewContent != nil
	if evt.Sender == h.client.UserID || content.MsgType != event.MsgText || isEdit {
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
	if h.isUrgent(ctx, evt, words) {
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
	if o := h.origin(ctx, evt); o != obeyed {
		log.Warn("ignored a command", "reason", o, "trust", evt.Mautrix.TrustState.String(), "identity", h.identity(ctx, evt))
		h.explain(ctx, evt, o)
		return
	}
	if !h.obeyed.add(evt) {
		log.Warn("ignored a command that the homeserver has sent before")
		return
	}
	if h.told.add(evt.Sender.String(), "identity") {
		log.Info("obeys commands of this user", "identity", h.identity(ctx, evt))
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

// request is what a message asks for, with the power that its sender has now.
func (h *eventHandler) request(ctx context.Context, evt *event.Event, words []string) command.Request {
	return command.Request{
		Room: evt.RoomID.String(), User: evt.Sender.String(), Power: h.power(ctx, evt.RoomID, evt.Sender), Words: words,
		ReplyTo: answered(evt.Content.AsMessage().RelatesTo),
	}
}

// answered is the id of the message that another one answers, or in whose thread it stands; "": none.
func answered(relation *event.RelatesTo) string {
	return cmp.Or(relation.GetNonFallbackReplyTo(), relation.GetThreadParent()).String()
}

// isUrgent decides where a command waits, and nothing else, so it takes the power that is stored:
// nobody may wait for the homeserver here.
func (h *eventHandler) isUrgent(ctx context.Context, evt *event.Event, words []string) bool {
	power := 0
	if levels, err := h.client.StateStore.GetPowerLevels(ctx, evt.RoomID); err == nil && levels != nil {
		power = levels.GetUserLevel(evt.Sender)
	}
	return h.commands.IsUrgent(command.Request{
		Room: evt.RoomID.String(), User: evt.Sender.String(), Power: power, Words: words,
	})
}

// power is the user's power level in the room. It is asked for at the moment when it counts, because
// what is stored may be older than the room; where the answer cannot be had or read, it is 0.
func (h *eventHandler) power(ctx context.Context, room id.RoomID, user id.UserID) int {
	levels := new(event.PowerLevelsEventContent)
	err := h.client.StateEvent(ctx, room, event.StatePowerLevels, "", levels)
	if err != nil {
		h.log.Warn("the power levels of a room are not known: nobody has any", "room", room, "err", err)
		return 0
	}
	// Who made a room cannot change. From version 12 on they have power without being named.
	if levels.CreateEvent, err = h.client.StateStore.GetCreate(ctx, room); err != nil {
		levels.CreateEvent = nil
	}
	return levels.GetUserLevel(user)
}
