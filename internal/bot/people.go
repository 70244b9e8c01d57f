package bot

import (
	"context"
	"errors"
	"fmt"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/text"
)

// Member implements command.Rooms. It asks the homeserver, as power does.
func (b *Bot) Member(ctx context.Context, room, user string) (power int, present bool, err error) {
	if err := b.session.AwaitReady(ctx); err != nil {
		return 0, false, err
	}
	for _, member := range []id.UserID{b.client.UserID, id.UserID(user)} {
		membership, err := b.membership(ctx, id.RoomID(room), member)
		isOutside := errors.Is(err, mautrix.MForbidden)
		if err != nil && !isOutside {
			return 0, false, err
		}
		if isOutside || membership != event.MembershipJoin {
			return 0, false, nil
		}
	}
	return b.power(ctx, id.RoomID(room), id.UserID(user)), true, nil
}

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

// RoomName implements command.Rooms: the name that its members have given a room, or its address, or
// its id. It is in one line, and short.
func (b *Bot) RoomName(ctx context.Context, room string) string {
	if b.session.AwaitReady(ctx) != nil {
		return room
	}
	var name event.RoomNameEventContent
	if err := b.client.StateEvent(ctx, id.RoomID(room), event.StateRoomName, "", &name); err == nil && text.Line(name.Name) != "" {
		return text.Short(text.Line(name.Name), maxName)
	}
	var alias event.CanonicalAliasEventContent
	if err := b.client.StateEvent(ctx, id.RoomID(room), event.StateCanonicalAlias, "", &alias); err == nil && alias.Alias != "" {
		return text.Short(text.Line(alias.Alias.String()), maxName)
	}
	return room
}
