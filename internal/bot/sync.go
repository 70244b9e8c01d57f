package bot

import (
	"context"
	"slices"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// listen subscribes to what the rooms send.
func (b *Bot) listen(s *station) {
	syncer := b.client.Syncer.(mautrix.ExtensibleSyncer)
	syncer.OnEventType(event.StateMember, func(ctx context.Context, evt *event.Event) { b.onMember(ctx, evt, s.broadcasts) })
	syncer.OnEventType(event.EventMessage, func(ctx context.Context, evt *event.Event) { b.onMessage(ctx, evt, s) })
}

// commandLifetime is how late a command may arrive. A microphone must not open
// because of a message that another server had kept back for an hour.
const commandLifetime = 5 * time.Minute

// clockSkew is how far the sender's server may be ahead of us.
const clockSkew = time.Minute

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
		b.log.Info("ignored a command of another time", "room", evt.RoomID, "user", evt.Sender, "sent", time.UnixMilli(evt.Timestamp))
		return
	}
	enqueue := b.inTurn
	if c := b.caller(ctx, evt); isStop(words) && (s.access.maySpeak(c) || c.power >= moderatorPower) {
		enqueue = b.instead
	}
	enqueue(evt.RoomID, func() { b.obey(ctx, evt, s, words) })
}

// obey carries out a command whose turn has come, and answers it. It may have
// waited for long, so its time is looked at once more.
func (b *Bot) obey(ctx context.Context, evt *event.Event, s *station, words []string) {
	log := b.log.With("room", evt.RoomID, "user", evt.Sender)
	if !b.isCurrent(evt) {
		log.Info("ignored a command that had to wait for too long")
		return
	}
	if !b.isAuthentic(ctx, evt) {
		log.Warn("ignored a command: it came without encryption into an encrypted room, or from a device that is not the sender's",
			"trust", evt.Mautrix.TrustState.String())
		return
	}
	if err := b.reply(ctx, evt, s.answer(ctx, b.caller(ctx, evt), words)); err != nil {
		log.Warn("a command could not be answered", "err", err)
	}
}

// isCurrent is false for what was said before we came, long ago, or in the
// future: a server that lies about the time could keep such a message back.
func (b *Bot) isCurrent(evt *event.Event) bool {
	said := time.UnixMilli(evt.Timestamp)
	age := time.Since(said)
	return !said.Before(b.started) && age < commandLifetime && age > -clockSkew && b.rooms.contains(evt.RoomID)
}

// strangers are the states of a message whose key is not known to be of one of
// its sender's devices. mautrix decrypts it all the same.
var strangers = []id.TrustState{
	id.TrustStateBlacklisted,
	id.TrustStateDeviceKeyMismatch,
	id.TrustStateUnknownDevice,
	id.TrustStateForwarded,
	id.TrustStateBackup,
}

// isAuthentic is false for a command in clear text where members encrypt, and
// for one that was not encrypted by a device of its sender. It does not ask
// that the device be verified: one that the homeserver has added to the
// sender's account still passes. Only a bot that wants every device signed by
// its user (cross-signing) could prevent that.
func (b *Bot) isAuthentic(ctx context.Context, evt *event.Event) bool {
	if evt.Mautrix.EventSource&event.SourceDecrypted != 0 {
		return !slices.Contains(strangers, evt.Mautrix.TrustState)
	}
	encrypted, err := b.isEncrypted(ctx, evt.RoomID)
	if err != nil {
		b.log.Warn("a command in clear text can not be judged", "room", evt.RoomID, "err", err)
	}
	return err == nil && !encrypted
}

// caller is the sender of a message.
func (b *Bot) caller(ctx context.Context, evt *event.Event) caller {
	return caller{room: evt.RoomID.String(), user: evt.Sender.String(), power: b.power(ctx, evt.RoomID, evt.Sender)}
}

// power is the user's power level in the room: 0 where it is not known.
func (b *Bot) power(ctx context.Context, room id.RoomID, user id.UserID) int {
	levels, err := b.client.StateStore.GetPowerLevels(ctx, room)
	if err != nil || levels == nil {
		return 0
	}
	return levels.GetUserLevel(user)
}
