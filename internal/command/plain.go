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
	encrypted, err := p.IsEncrypted(ctx, room)
	if err != nil {
		return false, err
	}
	if encrypted {
		return false, errEncryptedRoom
	}
	return true, nil
}
