package command

import (
	"context"
	"slices"
)

// errEncryptedRoom keeps what members believe to be encrypted from going out in the clear.
const errEncryptedRoom = Refusal("This room is encrypted, but the station's config has encryption: off for it. " +
	"That is only for rooms without encryption, so nothing goes on air here until the station's admin has removed it.")

// isPlain reports whether the room's shows are not to be encrypted. That is for the station's
// config to say, and for rooms that are not encrypted.
func (p *Processor) isPlain(ctx context.Context, room string) (bool, error) {
	if !slices.Contains(p.PlainRooms, room) {
		return false, nil
	}
	encrypted, err := p.Rooms.IsEncrypted(ctx, room)
	if err != nil {
		return false, err
	}
	if encrypted {
		return false, errEncryptedRoom
	}
	return true, nil
}

// errClearRoom is for what was not said in the room: whoever says it there is told by internal/bot.
const errClearRoom = Refusal("That room is not encrypted, and the station's config does not list it as one in which I work all the same.")

// checkPrivacy returns a Refusal for a room in which no command is obeyed, because anybody could have
// given it.
func (p *Processor) checkPrivacy(ctx context.Context, room string) error {
	if slices.Contains(p.PlainRooms, room) {
		return nil
	}
	encrypted, err := p.Rooms.IsEncrypted(ctx, room)
	if err == nil && !encrypted {
		err = errClearRoom
	}
	return err
}
