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

// Latest returns the newest show that was announced in the room, as it stands
// now. ok is false where there is none, or none that this session can decrypt.
func (g *Guest) Latest(ctx context.Context, room id.RoomID) (show matrix.Announcement, ok bool, err error) {
	var from string
	for looked := 0; looked < history; {
		page, err := g.Client.Messages(ctx, room, from, "", mautrix.DirectionBackward, nil, 50)
		if err != nil {
			return show, false, fmt.Errorf("look back in %s: %w", room, err)
		}
		for _, evt := range page.Chunk {
			if show, ok := g.announcement(ctx, evt); ok {
				return show, true, nil
			}
		}
		looked += len(page.Chunk)
		if len(page.Chunk) == 0 || page.End == "" {
			break
		}
		from = page.End
	}
	return show, false, nil
}

// announcement reads an event of the room's history.
func (g *Guest) announcement(ctx context.Context, evt *event.Event) (matrix.Announcement, bool) {
	err := evt.Content.ParseRaw(evt.Type)
	if err != nil && !errors.Is(err, event.ErrContentAlreadyParsed) {
		return matrix.Announcement{}, false
	}
	if evt.Type == event.EventEncrypted {
		if evt, err = g.Client.Crypto.Decrypt(ctx, evt); err != nil {
			return matrix.Announcement{}, false // sent before this session was there
		}
	}
	return matrix.FindAnnouncement(evt.Content.Raw)
}

// Next waits for the next announcement, or change of one, in the room.
func (g *Guest) Next(ctx context.Context, room id.RoomID) (show matrix.Announcement, err error) {
	_, err = g.Await(ctx, func(evt *event.Event) bool {
		if evt.RoomID != room {
			return false
		}
		found, ok := matrix.FindAnnouncement(evt.Content.Raw)
		if ok {
			show = found
		}
		return ok
	})
	return show, err
}
