package bot

import (
	"context"
	"slices"

	"maunium.net/go/mautrix/id"
)

// errEncryptedRoom keeps what members believe to be encrypted from going out in
// the clear.
const errEncryptedRoom = refusal("This room is encrypted, but the station's config has encryption: off for it. " +
	"That is only for rooms without encryption, so nothing goes on air here until the station's admin has removed it.")

// showsArePlain reports whether the room's shows are not to be encrypted. That
// is for the station's config to say, and for rooms that are not encrypted.
func (b *Bot) showsArePlain(ctx context.Context, room string) (bool, error) {
	if !slices.Contains(b.options.PlainRooms, room) {
		return false, nil
	}
	encrypted, err := b.isEncrypted(ctx, id.RoomID(room))
	if err != nil {
		return false, err
	}
	if encrypted {
		return false, errEncryptedRoom
	}
	return true, nil
}
