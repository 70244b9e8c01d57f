package bot

import (
	"context"
	"errors"
	"fmt"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/text"
	"broadcastbot/store"
)

// Ready implements broadcast.Announcer.
func (b *Bot) Ready(ctx context.Context) error { return b.session.AwaitReady(ctx) }

// Announce implements broadcast.Announcer. Repeating it for the same show, as
// after a lost answer, does not announce it twice.
func (b *Bot) Announce(ctx context.Context, r *store.Broadcast) error {
	if err := b.session.AwaitReady(ctx); err != nil {
		return err
	}
	if r.MXC == "" {
		r.MXC = b.reserve(ctx)
	}
	evt, err := b.send(ctx, id.RoomID(r.Room), announcement(r, b.nameIn(ctx, r)), "announce-"+r.ID)
	if err != nil {
		return fmt.Errorf("announce in %s: %w", r.Room, err)
	}
	r.Event = evt.String()
	return nil
}

// Conclude implements broadcast.Announcer. The announcement stops to say LIVE
// before anything is uploaded, which may take long; once the homeserver has the
// file at an address nobody could know before, or has refused it at the one that
// was announced, it is edited again: with that, and with what the sound looks
// like, which is known when all of it has been decoded for the voice message.
func (b *Bot) Conclude(ctx context.Context, r *store.Broadcast) error {
	if err := b.session.AwaitReady(ctx); err != nil {
		return err
	}
	err := b.edit(ctx, r)
	if errors.Is(err, mautrix.MForbidden) {
		b.log.Warn("the room does not let the bot tell the show's end", "broadcast", r.ID, "room", r.Room, "err", err)
		return b.release(ctx, r)
	}
	if err != nil {
		return err
	}
	told := *r
	err = errors.Join(b.storeRecording(ctx, r), b.postVoice(ctx, r)) // one can work without the other
	if r.MXC != told.MXC || r.Wave != told.Wave {
		err = errors.Join(err, b.edit(ctx, r))
	}
	return err
}

// edit brings the announcement up to date. Its transaction keeps it from being
// said again when only another step of the end is retried.
func (b *Bot) edit(ctx context.Context, r *store.Broadcast) error {
	transaction := fmt.Sprintf("%s-%s-%t-%t-%t", r.State, r.ID, r.MXC != "", r.MXCStored, r.Wave != "")
	if _, err := b.send(ctx, id.RoomID(r.Room), announcementEdit(r, b.nameIn(ctx, r)), transaction); err != nil {
		return fmt.Errorf("edit the announcement in %s: %w", r.Room, err)
	}
	return nil
}

// Say implements broadcast.Announcer.
func (b *Bot) Say(ctx context.Context, room, text string) error {
	if err := b.session.AwaitReady(ctx); err != nil {
		return err
	}
	_, err := b.send(ctx, id.RoomID(room), &event.Content{Parsed: notice(text)}, "")
	return err
}

// nameIn is what the room calls the speaker.
func (b *Bot) nameIn(ctx context.Context, r *store.Broadcast) string {
	user := id.UserID(r.Speaker)
	member, err := b.client.StateStore.TryGetMember(ctx, id.RoomID(r.Room), user)
	if err != nil || member == nil {
		return user.Localpart()
	}
	if name := text.Line(member.Displayname); name != "" {
		return name
	}
	return user.Localpart()
}
