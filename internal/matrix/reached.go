package matrix

import (
	"context"
	"fmt"

	"maunium.net/go/mautrix/id"
)

// logReached names the users who get the keys of a room's messages, and with them those of its shows,
// for the first time since the start. A homeserver can name a member to us alone: nobody would see
// them elsewhere.
func (s *sharer) logReached(ctx context.Context, room id.RoomID, users []id.UserID) error {
	session, err := s.Machine().CryptoStore.GetOutboundGroupSession(ctx, room)
	if err != nil || session == nil {
		return err
	}
	var reached []id.UserID
	for _, user := range users {
		got, err := s.hasKey(ctx, user, session.ID())
		if err != nil {
			return err
		}
		if !got {
			continue
		}
		if _, before := s.key(room).reached.LoadOrStore(user, true); !before {
			reached = append(reached, user)
		}
	}
	if len(reached) > 0 {
		s.session.log.Info("users get the keys of a room's shows", "room", room, "users", reached)
	}
	return nil
}

// hasKey reports whether the key was given to a device of the user.
func (s *sharer) hasKey(ctx context.Context, user id.UserID, session id.SessionID) (bool, error) {
	devices, err := s.Machine().CryptoStore.GetDevices(ctx, user)
	if err != nil {
		return false, fmt.Errorf("look up the devices of %s: %w", user, err)
	}
	for _, device := range devices {
		got, err := s.Machine().CryptoStore.IsOutboundGroupSessionShared(ctx, user, device.IdentityKey, session)
		if err != nil || got {
			return got, err
		}
	}
	return false, nil
}
