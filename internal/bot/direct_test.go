package bot

import (
	"strings"
	"testing"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// mustDirect writes to a member in the direct chat, and returns the event when the homeserver has it.
func mustDirect(t *testing.T, r *radio, m *member, text string) {
	t.Helper()
	if err := r.Direct(t.Context(), m.UserID.String(), text); err != nil {
		t.Fatalf("%v\n%s", err, r.log)
	}
}

// chat returns the direct chat of the member as the bot knows it.
func (r *radio) chat(t *testing.T, m *member) id.RoomID {
	t.Helper()
	listed, err := r.chats.list(t.Context())
	if err != nil || len(listed[m.UserID]) == 0 {
		t.Fatalf("no direct chat is listed: %v, %v", listed, err)
	}
	rooms := listed[m.UserID]
	return rooms[len(rooms)-1]
}

// awaitText returns the decrypted message that says so in a room.
func (m *member) awaitText(t *testing.T, room id.RoomID, text string) *event.Event {
	t.Helper()
	return m.await(t, text, func(evt *event.Event) bool {
		return evt.RoomID == room && evt.Type == event.EventMessage && evt.Content.AsMessage().Body == text
	})
}

func (m *member) mustJoin(t *testing.T, room id.RoomID) {
	t.Helper()
	if _, err := m.JoinRoomByID(t.Context(), room); err != nil {
		t.Fatal(err)
	}
}

// TestDirect: what was written before the invitation was accepted can be read afterwards, and the chat
// is encrypted from the beginning, a direct one, and closed to others.
func TestDirect(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	mustDirect(t, radio, alice, "before")
	room := radio.chat(t, alice)
	alice.awaitMembership(t, room, alice.UserID.String(), event.MembershipInvite)
	invited := alice.await(t, "the invitation", func(evt *event.Event) bool {
		return evt.RoomID == room && evt.Type == event.StateMember && evt.GetStateKey() == alice.UserID.String()
	})
	if !invited.Content.AsMember().IsDirect {
		t.Error("clients do not show it as a direct chat")
	}
	mustDirect(t, radio, alice, "while invited")
	alice.mustJoin(t, room)
	for _, text := range []string{"before", "while invited"} {
		if got := alice.awaitText(t, room, text); got.Mautrix.EventSource&event.SourceDecrypted == 0 {
			t.Errorf("%q was not encrypted", text)
		}
	}
	mustDirect(t, radio, alice, "after")
	alice.awaitText(t, room, "after")
	bob := newMember(t, alice.server, "bob")
	if _, err := alice.InviteUser(t.Context(), room, &mautrix.ReqInviteUser{UserID: bob.UserID}); err == nil {
		t.Error("others can be invited")
	}
	if strings.Contains(radio.log.String(), "while invited") {
		t.Error("the log says what was written")
	}
}

func TestRoomName(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := newRoomWith(t, radio, alice)
	if got := radio.RoomName(t.Context(), room.String()); got != room.String() {
		t.Errorf("a room without a name is called %q", got)
	}
	name := "Town\n\u202ehall " + strings.Repeat("x", 40_000)
	if _, err := alice.SendStateEvent(t.Context(), room, event.StateRoomName, "", map[string]any{"name": name}); err != nil {
		t.Fatal(err)
	}
	if got := radio.RoomName(t.Context(), room.String()); !strings.HasPrefix(got, "Town hall xx") || len(got) > maxName+len("…") {
		t.Errorf("the room is called %q", got)
	}
}
