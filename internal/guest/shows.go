package guest

import (
	"context"
	"errors"
	"fmt"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/matrix"
)

// Show is a show as it was announced in a room. Every member can announce one:
// By says who it was.
type Show struct {
	matrix.Announcement
	By id.UserID
	// Clear means that the announcement was not encrypted: the homeserver can have written it.
	Clear bool
}

// Latest returns the newest show that was announced in the room, as it stands
// now. Where by is not empty, only shows count that the user of this Matrix id
// has announced. ok is false where there is no show, or none that this session
// can decrypt.
func (g *Guest) Latest(ctx context.Context, room id.RoomID, by string) (show Show, ok bool, err error) {
	var from string
	for looked := 0; looked < history; {
		page, err := g.Client.Messages(ctx, room, from, "", mautrix.DirectionBackward, nil, 50)
		if err != nil {
			return show, false, fmt.Errorf("look back in %s: %w", room, err)
		}
		for _, evt := range page.Chunk {
			if evt, ok = g.decrypt(ctx, evt); !ok {
				continue
			}
			if show, ok = g.show(ctx, evt, by); ok {
				return show, true, nil
			}
		}
		looked += len(page.Chunk)
		if len(page.Chunk) == 0 || page.End == "" {
			break
		}
		from = page.End
	}
	return Show{}, false, nil
}

// decrypt returns an event of the room's history in clear text; ok is false for
// one that was sent before this session was there.
func (g *Guest) decrypt(ctx context.Context, evt *event.Event) (clear *event.Event, ok bool) {
	err := evt.Content.ParseRaw(evt.Type)
	if err != nil && !errors.Is(err, event.ErrContentAlreadyParsed) {
		return nil, false
	}
	if evt.Type != event.EventEncrypted {
		return evt, true
	}
	room := evt.RoomID
	if evt, err = g.Client.Crypto.Decrypt(ctx, evt); err != nil {
		return nil, false
	}
	evt.RoomID = room
	return evt, true
}

// show returns what a message announces.
func (g *Guest) show(ctx context.Context, evt *event.Event, by string) (Show, bool) {
	a, ok := matrix.FindAnnouncement(evt.Content.Raw)
	if !ok || (by != "" && evt.Sender != id.UserID(by)) || !g.isAuthentic(ctx, evt, a) || !g.mayEdit(ctx, evt) {
		return Show{}, false
	}
	return Show{Announcement: a, By: evt.Sender, Clear: evt.Mautrix.EventSource&event.SourceDecrypted == 0}, true
}

// isAuthentic is false of an announcement that the homeserver can have written in the name of
// another. A show that is not encrypted can be announced by everybody on the way anyhow, in a room
// that is not either.
func (g *Guest) isAuthentic(ctx context.Context, evt *event.Event, a matrix.Announcement) bool {
	if g.Trusts(evt) {
		return true
	}
	encrypted, err := g.IsEncrypted(ctx, evt.RoomID)
	return err == nil && !encrypted && a.File == nil
}

// mayEdit is false where a message edits what somebody else has said.
func (g *Guest) mayEdit(ctx context.Context, evt *event.Event) bool {
	edited := evt.Content.AsMessage().RelatesTo.GetReplaceID()
	if edited == "" {
		return true
	}
	original, err := g.Client.GetEvent(ctx, evt.RoomID, edited)
	return err == nil && original.Sender == evt.Sender
}

// Next waits for the next announcement, or change of one, in the room.
func (g *Guest) Next(ctx context.Context, room id.RoomID, by string) (show Show, err error) {
	_, err = g.Await(ctx, func(evt *event.Event) (ok bool) {
		if evt.RoomID == room {
			show, ok = g.show(ctx, evt, by)
		}
		return ok
	})
	return show, err
}
