package bot

import (
	"context"
	"errors"
	"fmt"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// send posts a message, encrypted where the room is. Of two messages with the same transaction the
// homeserver takes one; an empty transaction is unique.
func (b *Bot) send(ctx context.Context, room id.RoomID, content *event.Content, transaction string) (id.EventID, error) {
	if _, err := b.IsEncrypted(ctx, room.String()); err != nil {
		return "", err
	}
	sent, err := b.client.SendMessageEvent(ctx, room, event.EventMessage, content, mautrix.ReqSendEvent{TransactionID: transaction})
	if err != nil {
		return "", err
	}
	return sent.EventID, nil
}

// IsEncrypted reports whether members encrypt in the room. What is known to be encrypted stays so
// (Matrix has no way back). Otherwise the homeserver is asked, because the announcement must not be
// sent in clear text only because a crash has lost the event that switched encryption on.
func (b *Bot) IsEncrypted(ctx context.Context, room string) (bool, error) {
	encrypted, err := b.client.StateStore.IsEncrypted(ctx, id.RoomID(room))
	if err != nil || encrypted {
		return encrypted, err
	}
	var state event.EncryptionEventContent // the client notes what it finds
	err = b.client.StateEvent(ctx, id.RoomID(room), event.StateEncryption, "", &state)
	if errors.Is(err, mautrix.MNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up whether %s is encrypted: %w", room, err)
	}
	return true, nil
}

// reply answers a message.
func (b *Bot) reply(ctx context.Context, to *event.Event, body string) error {
	content := notice(body)
	content.SetReply(to)
	_, err := b.send(ctx, to.RoomID, &event.Content{Parsed: content}, "reply-"+to.ID.String())
	return err
}

// notice is a message from a program to people; other bots do not react to it.
func notice(body string) *event.MessageEventContent {
	return &event.MessageEventContent{MsgType: event.MsgNotice, Body: body, Mentions: &event.Mentions{}}
}
