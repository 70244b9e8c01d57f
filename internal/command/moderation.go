package command

import (
	"context"
	"errors"
	"fmt"

	"broadcastbot/internal/broadcast"
	"broadcastbot/store"
)

// Redacted deletes the show whose announcement a room has removed.
func (p *Processor) Redacted(ctx context.Context, room, event string) {
	err := p.Broadcasts.Redacted(ctx, room, event)
	switch {
	case errors.Is(err, broadcast.ErrNoShow):
	case err != nil:
		p.Log.Warn("a message was removed, but the show that it may announce is not deleted yet", "room", room, "event", event, "err", err)
	default:
		p.Log.Info("deleted a show whose announcement was removed", "room", room, "event", event)
	}
}

// CheckAnnouncements deletes the shows of a room whose announcements it has removed.
func (p *Processor) CheckAnnouncements(ctx context.Context, room string) {
	p.Broadcasts.CheckAnnouncements(ctx, room)
}

// SpeakerLeft ends the show of somebody who is not in the room any more. It returns what to tell the
// room of it, or "".
func (p *Processor) SpeakerLeft(ctx context.Context, room, user string) string {
	show, ended := p.stopIf(ctx, room, func(show *store.Show) bool { return show.Speaker == user })
	if !ended {
		return ""
	}
	return fmt.Sprintf("%s is over, because %s is not in this room any more.", quoted(show.Title), user)
}

// EncryptionOn ends a show that is not encrypted in a room that is from now on. It returns what to
// tell the room of it, or "".
func (p *Processor) EncryptionOn(ctx context.Context, room string) string {
	show, ended := p.stopIf(ctx, room, func(show *store.Show) bool { return show.Main().Plain })
	if !ended {
		return ""
	}
	return fmt.Sprintf("%s is over, because this room is encrypted now and the show is not.", quoted(show.Title))
}

func (p *Processor) stopIf(ctx context.Context, room string, isMeant func(*store.Show) bool) (store.Show, bool) {
	show, err := p.Broadcasts.StopIf(ctx, room, isMeant)
	if err != nil && !errors.Is(err, broadcast.ErrNotLive) {
		p.Log.Warn("a show that must not go on has no proper end", "room", room, "err", err)
	}
	if err == nil {
		p.Log.Info("ended a show that must not go on", "room", room)
	}
	return show, err == nil
}
