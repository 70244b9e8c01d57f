package matrix

import (
	"context"
	"errors"
	"fmt"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// Members asks the homeserver how everybody stands to a room whom it has ever heard of there.
func (s *Session) Members(ctx context.Context, room id.RoomID) (map[id.UserID]event.Membership, error) {
	answer, err := s.Client.Members(ctx, room)
	if err != nil {
		return nil, fmt.Errorf("ask for the members: %w", err)
	}
	members := make(map[id.UserID]event.Membership, len(answer.Chunk))
	for _, evt := range answer.Chunk {
		members[id.UserID(evt.GetStateKey())] = readMembership(evt.Content.VeryRaw)
	}
	return members, nil
}

// ErrNoReader means that somebody can read nothing of what is written to them alone, because none of
// their devices is trusted.
var ErrNoReader = errors.New("none of the user's devices is trusted")

// EncryptTo encrypts what one user alone is to read in a room. Nobody else gets the key, whoever the
// homeserver says is in the room, now or later. The error is ErrNoReader if they cannot read it either.
func (s *Session) EncryptTo(ctx context.Context, room id.RoomID, reader id.UserID, kind event.Type, content any) (*event.EncryptedEventContent, error) {
	if reader == "" {
		return nil, errors.New("nobody is to read this")
	}
	return s.Client.Crypto.(*sharer).encryptTo(ctx, room, reader, kind, content)
}

// CheckReader returns ErrNoReader if somebody could read nothing that is written to them alone.
func (s *Session) CheckReader(ctx context.Context, reader id.UserID) error {
	return s.Client.Crypto.(*sharer).checkReader(ctx, reader)
}

// checkReader does that; afterwards the devices of the user are known.
func (s *sharer) checkReader(ctx context.Context, reader id.UserID) error {
	if _, err := s.withDevices(ctx, []id.UserID{reader}); err != nil {
		return err
	}
	devices, err := s.Machine().CryptoStore.GetDevices(ctx, reader)
	if err != nil {
		return fmt.Errorf("look up the devices of %s: %w", reader, err)
	}
	if !s.anyMayHaveKeys(ctx, devices) {
		return fmt.Errorf("%w: %s", ErrNoReader, reader)
	}
	return nil
}
