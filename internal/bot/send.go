package bot

import (
	"context"
	"fmt"
	"slices"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/text"
	"broadcastbot/store"
)

// send posts a message, encrypted unless the room writes in clear text. Of two messages with the
// same transaction the homeserver takes one; an empty transaction is unique.
func (b *Bot) send(ctx context.Context, room id.RoomID, content *event.Content, transaction string) (id.EventID, error) {
	clear, err := b.writesClear(ctx, room)
	if err != nil {
		return "", err
	}
	if !clear {
		return b.sendEncrypted(ctx, room, content, transaction)
	}
	return b.post(ctx, room, event.EventMessage, content, transaction)
}

// sendEncrypted posts an encrypted message into any room. Whatever has a key in it goes this way:
// then no state of a room, forged or outdated, can have it sent in clear text.
func (b *Bot) sendEncrypted(ctx context.Context, room id.RoomID, content *event.Content, transaction string) (id.EventID, error) {
	encrypted, err := b.client.Crypto.Encrypt(ctx, room, event.EventMessage, content)
	if err != nil {
		return "", fmt.Errorf("encrypt for %s: %w", room, err)
	}
	return b.post(ctx, room, event.EventEncrypted, encrypted, transaction)
}

// sendTo posts a message that one user alone can read.
func (b *Bot) sendTo(ctx context.Context, room id.RoomID, reader id.UserID, content *event.Content, transaction string) (id.EventID, error) {
	encrypted, err := b.session.EncryptTo(ctx, room, reader, event.EventMessage, content)
	if err != nil {
		return "", fmt.Errorf("encrypt for %s in %s: %w", reader, room, err)
	}
	return b.post(ctx, room, event.EventEncrypted, encrypted, transaction)
}

// post sends what may go over the line as it is.
func (b *Bot) post(ctx context.Context, room id.RoomID, kind event.Type, content any, transaction string) (id.EventID, error) {
	ctx, cancel := outlast(ctx)
	defer cancel()
	sent, err := b.client.SendMessageEvent(ctx, room, kind, content, mautrix.ReqSendEvent{TransactionID: transaction, DontEncrypt: true})
	if err != nil {
		return "", err
	}
	return sent.EventID, nil
}

// sendFor posts a message about a show.
func (b *Bot) sendFor(ctx context.Context, show *store.Show, room string, content *event.Content, transaction string) (id.EventID, error) {
	if show.Main().Plain {
		return b.send(ctx, id.RoomID(room), content, transaction)
	}
	return b.sendEncrypted(ctx, id.RoomID(room), content, transaction)
}

// writesClear reports whether the bot writes in clear text into a room: the config has to list it,
// and the room must not be encrypted.
func (b *Bot) writesClear(ctx context.Context, room id.RoomID) (bool, error) {
	if !b.isListed(room) {
		return false, nil
	}
	encrypted, err := b.IsEncrypted(ctx, room.String())
	return !encrypted, err
}

// isListed reports whether the config lists the room as one without encryption.
func (b *Bot) isListed(room id.RoomID) bool {
	return slices.Contains(b.options.PlainRooms, room.String())
}

// sendGrace is how long the homeserver may take to answer when there is no more time.
const sendGrace = 5 * time.Second

// outlast returns a context that ends a moment after ctx: of what is being sent the answer is awaited,
// because a message whose id nobody knows is hard to remove.
func outlast(ctx context.Context) (context.Context, context.CancelFunc) {
	lasting, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(sendGrace, func() { cancel(context.Cause(ctx)) })
	})
	return lasting, func() {
		stop()
		cancel(nil)
	}
}

// IsEncrypted reports whether members encrypt in the room.
func (b *Bot) IsEncrypted(ctx context.Context, room string) (bool, error) {
	return b.session.IsEncrypted(ctx, id.RoomID(room))
}

// reply answers a message. In a direct chat nobody but its sender can read the answer.
func (b *Bot) reply(ctx context.Context, to *event.Event, body string) (err error) {
	message := notice(body)
	message.SetReply(to)
	content, transaction := &event.Content{Parsed: message}, "reply-"+to.ID.String()
	if b.chats.isWith(to.RoomID, to.Sender) {
		_, err = b.sendTo(ctx, to.RoomID, to.Sender, content, transaction)
	} else {
		_, err = b.send(ctx, to.RoomID, content, transaction)
	}
	return err
}

// maxNotice is how many characters a notice has. What it quotes may be as long as a message can be.
const maxNotice = 4000

// notice is a message from a program to people; other bots do not react to it.
func notice(body string) *event.MessageEventContent {
	return &event.MessageEventContent{MsgType: event.MsgNotice, Body: text.Short(body, maxNotice), Mentions: &event.Mentions{}}
}
