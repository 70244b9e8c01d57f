package bot

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/retry"
	"broadcastbot/internal/text"
	"broadcastbot/store"
)

// Ready implements broadcast.Announcer.
func (b *Bot) Ready(ctx context.Context) error { return b.session.AwaitReady(ctx) }

// Announce implements broadcast.Announcer. Repeating it for the same show, as after a lost answer,
// does not announce it twice.
func (b *Bot) Announce(ctx context.Context, show *store.Show, room string) (string, error) {
	if err := b.session.AwaitReady(ctx); err != nil {
		return "", err
	}
	content := announcement(show, b.nameIn(ctx, room, show.Speaker))
	evt, err := b.sendFor(ctx, show, room, content, announceTransaction(show))
	if err != nil {
		return "", fmt.Errorf("announce in %s: %w", room, roomError(err))
	}
	return evt.String(), nil
}

// Update implements broadcast.Announcer. The revision of the show is part of the transaction, so
// the homeserver takes the same edit only once.
func (b *Bot) Update(ctx context.Context, show *store.Show, a store.Announcement) (string, error) {
	if err := b.session.AwaitReady(ctx); err != nil {
		return "", err
	}
	content := announcementEdit(show, a.Event, b.nameIn(ctx, a.Room, show.Speaker))
	evt, err := b.sendFor(ctx, show, a.Room, content, show.Revision()+"-"+show.ID)
	if err != nil {
		return "", fmt.Errorf("edit the announcement in %s: %w", a.Room, roomError(err))
	}
	return evt.String(), nil
}

// roomError is err, marked where no repetition can help: the room will never let the bot do that, or
// no server takes so much.
func roomError(err error) error {
	if errors.Is(err, mautrix.MTooLarge) || hasStatus(err, http.StatusRequestEntityTooLarge) {
		return retry.Permanent(err)
	}
	if errors.Is(err, mautrix.MForbidden) {
		return fmt.Errorf("%w: %w", broadcast.ErrRoomClosed, err)
	}
	return err
}

// Say implements broadcast.Announcer.
func (b *Bot) Say(ctx context.Context, room, body string) error {
	if err := b.session.AwaitReady(ctx); err != nil {
		return err
	}
	_, err := b.send(ctx, id.RoomID(room), &event.Content{Parsed: notice(body)}, "")
	return err
}

// maxName is how many characters of a speaker's name are told: a member can have one that is larger
// than any event.
const maxName = 100

// nameIn is what the room calls the speaker, in short.
func (b *Bot) nameIn(ctx context.Context, room, speaker string) string {
	return text.Short(b.fullNameIn(ctx, room, speaker), maxName)
}

func (b *Bot) fullNameIn(ctx context.Context, room, speaker string) string {
	user := id.UserID(speaker)
	member, err := b.client.StateStore.TryGetMember(ctx, id.RoomID(room), user)
	if err != nil || member == nil {
		return user.Localpart()
	}
	if name := text.Line(member.Displayname); name != "" {
		return name
	}
	return user.Localpart()
}
