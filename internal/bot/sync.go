package bot

import (
	"context"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// listen subscribes to what the rooms send.
func (b *Bot) listen(s *station) {
	syncer := b.client.Syncer.(mautrix.ExtensibleSyncer)
	syncer.OnEventType(event.StateMember, b.onMember)
	syncer.OnEventType(event.EventMessage, func(ctx context.Context, evt *event.Event) { b.onMessage(ctx, evt, s) })
}

// commandLifetime is how late a command may arrive. A microphone must not open
// because of a message that another server had kept back for an hour.
const commandLifetime = 5 * time.Minute

// onMessage takes a message for a command if it can be one.
func (b *Bot) onMessage(ctx context.Context, evt *event.Event, s *station) {
	content := evt.Content.AsMessage()
	if ctx.Err() != nil { // late keys may decrypt a message after the end
		return
	}
	if evt.Sender == b.client.UserID || content.MsgType != event.MsgText || content.RelatesTo.GetReplaceID() != "" {
		return
	}
	content.RemoveReplyFallback()
	words, ok := parse(content.Body)
	if !ok {
		return
	}
	if !b.isCurrent(evt) {
		b.log.Info("ignored an old command", "room", evt.RoomID, "user", evt.Sender, "sent", time.UnixMilli(evt.Timestamp))
		return
	}
	if !b.isAuthentic(ctx, evt) {
		b.log.Warn("ignored a command without encryption in an encrypted room", "room", evt.RoomID, "user", evt.Sender)
		return
	}
	b.inTurn(evt.RoomID, func() {
		answer := s.answer(ctx, caller{
			room: evt.RoomID.String(), user: evt.Sender.String(), power: b.power(ctx, evt.RoomID, evt.Sender),
		}, words)
		if err := b.reply(ctx, evt, answer); err != nil {
			b.log.Warn("a command could not be answered", "room", evt.RoomID, "err", err)
		}
	})
}

// isCurrent is false for what was said before we came or long ago.
func (b *Bot) isCurrent(evt *event.Event) bool {
	said := time.UnixMilli(evt.Timestamp)
	return !said.Before(b.started) && time.Since(said) < commandLifetime && b.rooms.contains(evt.RoomID)
}

// isAuthentic is false for a command that the homeserver itself could have
// made up: one in clear text where members encrypt.
func (b *Bot) isAuthentic(ctx context.Context, evt *event.Event) bool {
	if evt.Mautrix.EventSource&event.SourceDecrypted != 0 {
		return true
	}
	encrypted, err := b.client.StateStore.IsEncrypted(ctx, evt.RoomID)
	return err == nil && !encrypted
}

// power is the user's power level in the room: 0 where it is not known.
func (b *Bot) power(ctx context.Context, room id.RoomID, user id.UserID) int {
	levels, err := b.client.StateStore.GetPowerLevels(ctx, room)
	if err != nil || levels == nil {
		return 0
	}
	return levels.GetUserLevel(user)
}
