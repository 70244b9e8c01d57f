package bot

import (
	"cmp"
	"context"
	"time"

	"maunium.net/go/mautrix/event"

	"broadcastbot/internal/command"
)

// commandLifetime is how late a command may arrive. A microphone must not open because of a message
// that another server had kept back for an hour.
const commandLifetime = 5 * time.Minute

// clockSkew is how far the sender's server may be ahead of us.
const clockSkew = time.Minute

// onMessage has a message obeyed if it is a command, and a voice message kept.
func (h *eventHandler) onMessage(ctx context.Context, evt *event.Event) {
	if words, ok := h.wordsOf(evt); ok {
		h.take(ctx, evt, words)
	} else if isOriginal(evt, event.MsgAudio) && evt.Sender != h.client.UserID {
		h.onVoice(ctx, evt)
	}
}

// isOriginal reports whether a message is of a kind, and no edit.
func isOriginal(evt *event.Event, kind event.MessageType) bool {
	content := evt.Content.AsMessage()
	return content.MsgType == kind && content.RelatesTo.GetReplaceID() == "" && content.NewContent == nil
}

// wordsOf returns the words of a message if it is a command.
func (h *eventHandler) wordsOf(evt *event.Event) (words []string, ok bool) {
	if evt.Sender == h.client.UserID || !isOriginal(evt, event.MsgText) {
		return nil, false
	}
	content := evt.Content.AsMessage()
	content.RemoveReplyFallback()
	return command.Parse(content.Body)
}

// take has a command obeyed when it is its turn.
func (h *eventHandler) take(ctx context.Context, evt *event.Event, words []string) {
	if ctx.Err() != nil { // late keys may decrypt a message after the end
		return
	}
	if !h.isCurrent(evt, words) {
		h.log.Info("ignored a command of another time", "room", evt.RoomID, "user", evt.Sender, "sent", time.UnixMilli(evt.Timestamp))
		return
	}
	h.tasks.enqueue(lane{evt.RoomID, evt.Sender}, h.commands.IsUrgent(words), func() { h.obey(ctx, evt, words) })
}

// obey carries out a command when its turn has come. It may have waited for long, so its time is looked
// at once more.
func (h *eventHandler) obey(ctx context.Context, evt *event.Event, words []string) {
	log := h.log.With("room", evt.RoomID, "user", evt.Sender)
	if !h.isCurrent(evt, words) {
		log.Info("ignored a command that had to wait for too long")
		return
	}
	if !h.isObeyed(ctx, evt, words) {
		return
	}
	if h.told.add(evt.Sender.String(), "identity") {
		log.Info("obeys commands of this user", "identity", h.bot.identity(ctx, evt))
	}
	h.reply(ctx, evt, words, h.commands.Answer(ctx, h.request(ctx, evt, words)))
}

// isObeyed judges who has sent a message. Honest people who are not obeyed are told why. A message is
// obeyed once.
func (h *eventHandler) isObeyed(ctx context.Context, evt *event.Event, words []string) bool {
	log := h.log.With("room", evt.RoomID, "user", evt.Sender)
	if o := h.bot.origin(ctx, evt); o != obeyed {
		log.Warn("ignored a message", "reason", o, "trust", evt.Mautrix.TrustState.String(), "identity", h.bot.identity(ctx, evt))
		h.answer(evt, words, func() { h.explain(ctx, evt, o) })
		return false
	}
	if !h.obeyed.add(evt) {
		log.Warn("ignored a message that the homeserver has sent before")
		return false
	}
	return true
}

// reply answers a message with a text.
func (h *eventHandler) reply(ctx context.Context, evt *event.Event, words []string, text string) {
	h.answer(evt, words, func() {
		if err := h.bot.reply(ctx, evt, text); err != nil {
			h.log.Warn("a message could not be answered", "room", evt.RoomID, "user", evt.Sender, "err", err)
		}
	})
}

// answer posts something to a command's room after what else waits to be posted there. No command waits
// for that: posts go out as fast as the homeserver allows, and a flood of commands makes it slow.
func (h *eventHandler) answer(evt *event.Event, words []string, post func()) {
	h.tasks.enqueue(lane{room: evt.RoomID}, h.commands.IsUrgent(words), post)
}

// isCurrent is false for what was said before we came, long ago, or in the future: a server that
// lies about the time could keep such a message back. What only takes away counts also if it was said
// shortly before this start: who ends a show while the station is down means it.
func (h *eventHandler) isCurrent(evt *event.Event, words []string) bool {
	age := time.Since(time.UnixMilli(evt.Timestamp))
	isOurs := !h.wasAway(evt) || h.commands.IsUrgent(words)
	return isOurs && age < commandLifetime && age > -clockSkew && h.joined.contains(evt.RoomID)
}

// wasAway reports whether something was said before this start.
func (h *eventHandler) wasAway(evt *event.Event) bool {
	return time.UnixMilli(evt.Timestamp).Before(h.started)
}

// request is what a message asks for, with the power that its sender has now.
func (h *eventHandler) request(ctx context.Context, evt *event.Event, words []string) command.Request {
	r := command.Request{
		Room: evt.RoomID.String(), User: evt.Sender.String(), Power: h.bot.power(ctx, evt.RoomID, evt.Sender), Words: words,
		ReplyTo: answered(evt.Content.AsMessage().RelatesTo), Direct: h.bot.chats.isWith(evt.RoomID, evt.Sender),
	}
	if h.wasAway(evt) {
		r.Before = time.UnixMilli(evt.Timestamp).Add(clockSkew)
	}
	return r
}

// answered is the id of the message that another one answers, or in whose thread it stands; "": none.
func answered(relation *event.RelatesTo) string {
	return cmp.Or(relation.GetNonFallbackReplyTo(), relation.GetThreadParent()).String()
}
