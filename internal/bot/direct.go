package bot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/command"
	"broadcastbot/internal/matrix"
)

// Why somebody is not written to.
const (
	errNoReader = command.Refusal("I can write nothing that you alone could read, because none of your sessions is verified. " +
		"Verify one in your client's settings, then say it again.")
	errTooOften = command.Refusal("I have just written to you several times in our direct chat. Look there, or say it again in a minute.")
)

// Direct implements command.Rooms: it writes to somebody in an encrypted direct chat, which is opened
// if there is none, and to which they are invited if they are not in it. They can read there what was
// written since the invitation. Only their devices that are trusted get the key, whoever else the
// homeserver lets into the room.
func (b *Bot) Direct(ctx context.Context, user, text string) error {
	if err := b.session.AwaitReady(ctx); err != nil {
		return err
	}
	reader := id.UserID(user)
	leave, err := b.chats.turns.Take(ctx, reader)
	if err != nil {
		return fmt.Errorf("write to %s in a direct chat: %w", user, err)
	}
	defer leave()
	if !b.chats.messages.take(reader) {
		return errTooOften
	}
	if err = b.session.CheckReader(ctx, reader); err == nil {
		err = b.writeTo(ctx, reader, text)
	}
	if errors.Is(err, matrix.ErrNoReader) {
		return errNoReader
	}
	var refusal command.Refusal
	if err != nil && !errors.As(err, &refusal) {
		return fmt.Errorf("write to %s in a direct chat: %w", user, err)
	}
	return err
}

func (b *Bot) writeTo(ctx context.Context, reader id.UserID, text string) error {
	room, err := b.chats.open(ctx, reader)
	if err != nil {
		return err
	}
	message := notice(text)
	message.MsgType = event.MsgText // telephones do not ring for notices, and this one is waited for
	_, err = b.sendTo(ctx, room, reader, &event.Content{Parsed: message}, "")
	if err == nil {
		b.log.Info("wrote to a user in the direct chat", "room", room, "user", reader)
	}
	return err
}

// How much somebody gets who asks again and again: each message in a direct chat, and each invitation
// to one, rings their telephone.
const (
	maxMessages, messagesWithin       = 6, time.Minute
	maxInvitations, invitationsWithin = 3, time.Hour
)

// onDirectMember makes an ordinary room of a direct chat to which a third one has come. Until then
// only the user could read what was written there.
func (h *eventHandler) onDirectMember(ctx context.Context, evt *event.Event) {
	user, member := h.bot.chats.userOf(evt.RoomID), id.UserID(evt.GetStateKey())
	if user == "" || member == user || member == h.client.UserID || isGone(evt.Content.AsMember().Membership) {
		return
	}
	h.log.Warn("somebody else has come into a direct chat: it is one no more", "room", evt.RoomID, "user", user, "member", member)
	h.tasks.runBeside(func() { h.bot.chats.drop(ctx, evt.RoomID) })
}
