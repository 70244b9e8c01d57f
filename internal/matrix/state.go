package matrix

import (
	"context"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// parseState reads the state events of a response, before anything else does: mautrix skips those
// that it cannot read, and what an older event said would stay in force.
func parseState(_ context.Context, response *mautrix.RespSync, _ string) bool {
	for _, room := range response.Rooms.Join {
		parseEvents(room.State.Events, room.Timeline.Events)
		if room.StateAfter != nil {
			parseEvents(room.StateAfter.Events)
		}
	}
	for _, room := range response.Rooms.Invite {
		parseEvents(room.State.Events)
	}
	for _, room := range response.Rooms.Leave {
		parseEvents(room.State.Events, room.Timeline.Events)
	}
	return true
}

func parseEvents(lists ...[]*event.Event) {
	for _, list := range lists {
		for _, evt := range list {
			if evt.StateKey != nil {
				parseStateEvent(evt)
			}
		}
	}
}

// parseStateEvent reads a state event. One that cannot be read counts as the content that gives the
// least rights.
func parseStateEvent(evt *event.Event) {
	evt.Type.Class = event.StateEventType
	err := evt.Content.ParseRaw(evt.Type)
	if least := leastRights(evt); least != nil && (err != nil || evt.Content.Parsed == nil) {
		evt.Content.Parsed = least
	}
}

// leastRights is what an event of this type can say that takes most rights from people and gives
// nobody any. It is nil for types that no right depends on.
func leastRights(evt *event.Event) any {
	switch evt.Type {
	case event.StateMember:
		member := &event.MemberEventContent{Membership: readMembership(evt.Content.VeryRaw)}
		if member.Membership == event.MembershipJoin || member.Membership == event.MembershipInvite {
			member.Membership = event.MembershipLeave
		}
		return member
	case event.StatePowerLevels:
		return &event.PowerLevelsEventContent{}
	case event.StateEncryption:
		return &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}
	case event.StateHistoryVisibility:
		return &event.HistoryVisibilityEventContent{HistoryVisibility: event.HistoryVisibilityJoined}
	default:
		return nil
	}
}
