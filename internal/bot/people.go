package bot

import (
	"context"
	"errors"
	"fmt"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// membership asks how somebody stands to a room. Whoever the homeserver knows nothing of has left.
func (b *Bot) membership(ctx context.Context, room id.RoomID, user id.UserID) (event.Membership, error) {
	var member event.MemberEventContent
	err := b.client.StateEvent(ctx, room, event.StateMember, user.String(), &member)
	if errors.Is(err, mautrix.MNotFound) {
		return event.MembershipLeave, nil
	}
	if err != nil {
		return "", fmt.Errorf("look up whether %s is in %s: %w", user, room, err)
	}
	return member.Membership, nil
}

// power is the user's power level in the room. It is asked for at the moment when it counts, because
// what is stored may be older than the room; where the answer cannot be had or read, it is 0.
func (b *Bot) power(ctx context.Context, room id.RoomID, user id.UserID) int {
	levels := new(event.PowerLevelsEventContent)
	err := b.client.StateEvent(ctx, room, event.StatePowerLevels, "", levels)
	if err != nil {
		b.log.Warn("the power levels of a room are not known: nobody has any", "room", room, "err", err)
		return 0
	}
	// Who made a room cannot change. From version 12 on they have power without being named.
	if levels.CreateEvent, err = b.client.StateStore.GetCreate(ctx, room); err != nil {
		levels.CreateEvent = nil
	}
	return levels.GetUserLevel(user)
}
