package bot

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/command"
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

// directed is Alice in a direct chat that the bot has opened, and which she has come to.
func directed(t *testing.T, r *radio, alice *member) id.RoomID {
	t.Helper()
	mustDirect(t, r, alice, "welcome")
	room := r.chat(t, alice)
	alice.awaitMembership(t, room, alice.UserID.String(), event.MembershipInvite)
	alice.mustJoin(t, room)
	alice.awaitText(t, room, "welcome")
	return room
}

// mustLetIn brings somebody into a direct chat, which no member can do: this is the homeserver's work.
func mustLetIn(t *testing.T, r *radio, room id.RoomID, m *member) {
	t.Helper()
	mustInvite(t, &member{Client: r.client}, room, m.UserID.String())
	m.mustJoin(t, room)
	m.awaitMembership(t, room, m.UserID.String(), event.MembershipJoin)
}

// TestDirectIsForVerifiedDevices: another device of the same account, which nobody has signed, reads
// nothing, and for somebody who has no other one, no chat is opened.
func TestDirectIsForVerifiedDevices(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	forged := alice.newDevice(t)
	forged.follow(t)
	room := directed(t, radio, alice)
	mustDirect(t, radio, alice, "the password")
	said := alice.awaitText(t, room, "the password")
	after := alice.say(t, room, "afterwards")
	forged.await(t, "what Alice said", func(evt *event.Event) bool { return evt.ID == after })
	if forged.canRead(said.ID) {
		t.Error("a device that nobody has signed reads what was written to Alice alone")
	}
	bob := newUnsigned(t, alice.server, mustRegister(t, alice.server, "bob"))
	if err := radio.Direct(t.Context(), bob.UserID.String(), "the password"); !errors.Is(err, errNoReader) {
		t.Errorf("%v, want %v", err, errNoReader)
	}
	if err := radio.Direct(t.Context(), "@nobody:"+alice.server.ServerName(), "the password"); !errors.Is(err, errNoReader) {
		t.Errorf("%v, want %v", err, errNoReader)
	}
	if joined, err := bob.JoinedRooms(t.Context()); err != nil || len(joined.JoinedRooms) > 0 {
		t.Error(joined, err)
	}
	if listed, err := radio.chats.list(t.Context()); err != nil || len(listed) != 1 {
		t.Errorf("listed are %v (%v), want Alice's alone", listed, err)
	}
}

// TestThirdInDirectChat: somebody has come into a direct chat. They read nothing, and the next
// message goes to another one.
func TestThirdInDirectChat(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	mallory := newMember(t, alice.server, "mallory")
	room := directed(t, radio, alice)
	mustLetIn(t, radio, room, mallory)
	mustDirect(t, radio, alice, "the password")
	second := radio.chat(t, alice)
	if second == room {
		t.Fatal("the chat is used although somebody else is in it")
	}
	alice.awaitMembership(t, second, alice.UserID.String(), event.MembershipInvite)
	alice.mustJoin(t, second)
	alice.awaitText(t, second, "the password")
	if listed, err := radio.chats.list(t.Context()); err != nil || len(listed[alice.UserID]) != 1 {
		t.Errorf("listed are %v (%v), want the second one alone", listed, err)
	}
}

// TestHiddenThird: the homeserver does not tell the bot that somebody else is in the direct chat.
// Even with the key of what was written there before, to all, they cannot read what is written to
// the user.
func TestHiddenThird(t *testing.T) {
	t.Parallel()
	radio, alice := newLyingStudio(t, "", func(answer map[string]any) { hide(answer, "@mallory:localhost") })
	mallory := newMember(t, alice.server, "mallory")
	room := directed(t, radio, alice)
	mustLetIn(t, radio, room, mallory)
	mustDirect(t, radio, alice, "the password")
	if radio.chat(t, alice) != room {
		t.Fatal("this test tests nothing: the bot knows of her")
	}
	said := alice.awaitText(t, room, "the password")
	answer := alice.awaitReply(t, alice.say(t, room, "!live source"))
	mallory.await(t, "the answer", func(evt *event.Event) bool { return evt.ID == answer.ID })
	for _, evt := range []*event.Event{said, answer} {
		if mallory.canRead(evt.ID) {
			t.Errorf("she reads %q", evt.Content.AsMessage().Body)
		}
	}
}

// hide returns an answer without the events that tell of a member.
func hide(answer any, member string) any {
	switch value := answer.(type) {
	case map[string]any:
		for key := range value {
			value[key] = hide(value[key], member)
		}
	case []any:
		value = slices.DeleteFunc(value, func(item any) bool {
			evt, isEvent := item.(map[string]any)
			return isEvent && evt["state_key"] == member
		})
		for i := range value {
			value[i] = hide(value[i], member)
		}
		return value
	}
	return answer
}

// TestKeyForAll: somebody who has the key of what was written in a room, to all, cannot read what is
// written there to one user.
func TestKeyForAll(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	bob := newMember(t, alice.server, "bob")
	room := newRoomWith(t, radio, alice, bob)
	alice.ask(t, room, "!help")
	sent, err := radio.sendTo(t.Context(), room, alice.UserID, &event.Content{Parsed: notice("the password")}, "")
	if err != nil {
		t.Fatal(err)
	}
	alice.awaitText(t, room, "the password")
	answer := alice.awaitReply(t, alice.say(t, room, "!help")) // to all again
	bob.await(t, "the answer", func(evt *event.Event) bool { return evt.ID == answer.ID && evt.Type == event.EventMessage })
	if bob.canRead(sent) {
		t.Error("he reads what was written to Alice alone")
	}
}

// TestForgedDirectList: the list of direct chats belongs to the homeserver, which can name any room.
func TestForgedDirectList(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	mallory := newMember(t, alice.server, "mallory")
	town := newRoomWith(t, radio, alice, mallory)
	clear := alice.newRoom(t, false, radio.options.User)
	alice.awaitMembership(t, clear, radio.options.User, event.MembershipJoin)
	forged := map[string]any{
		alice.UserID.String(): []any{town, clear, "!nowhere:localhost", "", 7}, mallory.UserID.String(): []id.RoomID{town}, "": "x", "@x:y": 7,
	}
	if err := radio.client.SetAccountData(t.Context(), "m.direct", forged); err != nil {
		t.Fatal(err)
	}
	radio.stop()
	radio = startRadio(t, radio.options) // which reads the list
	mustDirect(t, radio, alice, "the password")
	room := radio.chat(t, alice)
	alice.awaitMembership(t, room, alice.UserID.String(), event.MembershipInvite)
	alice.mustJoin(t, room)
	alice.awaitText(t, room, "the password")
	if room == town || room == clear {
		t.Error("the password was written into a room that is no direct chat")
	}
	if listed, err := radio.chats.list(t.Context()); err != nil || len(listed[alice.UserID]) != 1 {
		t.Errorf("listed are %v (%v)", listed, err)
	}
	if got := alice.ask(t, town, "!live start Town hall"); !strings.Contains(got, "is on air") {
		t.Errorf("answer %q: a forged list keeps a room silent", got)
	}
}

// TestDirectChatStays: after a restart the same chat is used, and commands in it are still about the
// user's own things. Who has left is invited again, and reads what was written since.
func TestDirectChatStays(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := directed(t, radio, alice)
	if got := alice.ask(t, room, "!live start"); !strings.Contains(got, "nobody else is here to listen") {
		t.Errorf("answer %q", got)
	}
	radio.stop()
	radio = startRadio(t, radio.options)
	if got := alice.ask(t, room, "!live"); !strings.Contains(got, "nobody else is here to listen") {
		t.Errorf("answer %q after a restart", got)
	}
	mustDirect(t, radio, alice, "after the restart")
	alice.awaitText(t, room, "after the restart")
	radio.fake.CheckAsked(t, nil)

	radio.mustLose(t, alice)
	mustDirect(t, radio, alice, "come back")
	if again := radio.chat(t, alice); again != room {
		t.Errorf("another chat was opened: %s, not %s", again, room)
	}
	alice.mustJoin(t, room)
	alice.awaitText(t, room, "come back")
}

// TestDirectAtOnce: many messages at the same time do not open many chats, and too many are too many.
func TestDirectAtOnce(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	errs := make(chan error)
	for range maxMessages + 1 {
		go func() { errs <- radio.Direct(t.Context(), alice.UserID.String(), "hello") }()
	}
	refused := 0
	for range maxMessages + 1 {
		if err := <-errs; errors.Is(err, errTooOften) {
			refused++
		} else if err != nil {
			t.Error(err)
		}
	}
	if refused != 1 {
		t.Errorf("%d messages of %d are refused, want one", refused, maxMessages+1)
	}
	if joined, err := radio.client.JoinedRooms(t.Context()); err != nil || len(joined.JoinedRooms) != 1 {
		t.Errorf("%v (%v), want one room", joined, err)
	}
}

// TestInvitationsAreLimited: who leaves again and again is not called again and again.
func TestInvitationsAreLimited(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	for range maxInvitations {
		mustDirect(t, radio, alice, "hello")
		radio.mustLose(t, alice)
	}
	if err := radio.Direct(t.Context(), alice.UserID.String(), "hello"); !errors.Is(err, errInvitedOften) {
		t.Errorf("%v, want %v", err, errInvitedOften)
	}
}

// newChat opens a direct chat with the bot, and perhaps with others.
func (m *member) newChat(t *testing.T, history event.HistoryVisibility, users ...id.UserID) id.RoomID {
	t.Helper()
	request := newDirectRoom(users[0])
	request.PowerLevelOverride, request.Invite = nil, users
	request.InitialState[1].Content.Parsed = &event.HistoryVisibilityEventContent{HistoryVisibility: history}
	created, err := m.CreateRoom(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	m.awaitMembership(t, created.RoomID, users[0].String(), event.MembershipJoin)
	return created.RoomID
}

// TestHiddenHistory: nobody is invited back to a chat where they could not read what they were written.
func TestHiddenHistory(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	chat := alice.newChat(t, event.HistoryVisibilityJoined, id.UserID(radio.options.User))
	alice.ask(t, chat, "!help")
	mustDirect(t, radio, alice, "hello")
	alice.awaitText(t, chat, "hello")
	if _, err := alice.LeaveRoom(t.Context(), chat); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err := radio.chats.inspect(t.Context(), chat, alice.UserID); errors.Is(err, errHidden) {
			break
		}
	}
	mustDirect(t, radio, alice, "hello again")
	if radio.chat(t, alice) == chat {
		t.Error("she is invited back")
	}
}

// mustLose has a member leave the direct chat, and returns when the homeserver says so to the bot.
func (r *radio) mustLose(t *testing.T, m *member) {
	t.Helper()
	chat := r.chat(t, m)
	if _, err := m.LeaveRoom(t.Context(), chat); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if membership, err := r.chats.inspect(t.Context(), chat, m.UserID); err == nil && isGone(membership) {
			return
		}
	}
	t.Fatal("the homeserver does not notice that somebody has left")
}

// TestDirectChatOfAnother: a chat that the user has opened is used, until others are in it: then it
// is a room as any other.
func TestDirectChatOfAnother(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	bob := newMember(t, alice.server, "bob")
	open := func(users ...id.UserID) id.RoomID { return alice.newChat(t, event.HistoryVisibilityShared, users...) }
	ofThree := open(id.UserID(radio.options.User), bob.UserID)
	if got := alice.ask(t, ofThree, "!live start Town hall"); !strings.Contains(got, "is on air") {
		t.Errorf("answer %q where three are", got)
	}
	ofTwo := open(id.UserID(radio.options.User))
	if got := alice.ask(t, ofTwo, "!live start"); !strings.Contains(got, "nobody else is here to listen") {
		t.Errorf("answer %q where two are", got)
	}
	mustDirect(t, radio, alice, "hello")
	alice.awaitText(t, ofTwo, "hello")
	mustInvite(t, alice, ofTwo, bob.UserID.String())
	alice.awaitMembership(t, ofTwo, bob.UserID.String(), event.MembershipInvite)
	if got := alice.ask(t, ofTwo, "!live start Now"); !strings.Contains(got, "is on air") {
		t.Errorf("answer %q where a third is invited", got)
	}
}

// startProgramRadio runs a bot at whose station speakers' programs can push.
func startProgramRadio(t *testing.T, o Options) *radio {
	t.Helper()
	return startRadioWith(t, o, command.Options{
		Rights:   command.Rights{Speakers: o.Inviters},
		Programs: command.Programs{Mounts: o.Store.Mounts(), Address: "https://radio.example.org/icecast/", CutOff: func(_, _ string) {}},
	})
}

// TestSourceIsSent: the room reads only that the speaker was sent something. The speaker reads it,
// whether they have come into the chat before or not; what they read opens a mount.
func TestSourceIsSent(t *testing.T) {
	t.Parallel()
	server, o := newHome(t)
	radio := startProgramRadio(t, o)
	alice, bob := newMember(t, server, "alice"), newMember(t, server, "bob")
	room := newRoomWith(t, radio, alice, bob)
	for range 2 { // the second time the invitation is open
		if got := alice.ask(t, room, "!live source"); got != command.SentDirect {
			t.Fatalf("answer %q\n%s", got, radio.log)
		}
	}
	chat := radio.chat(t, alice)
	alice.awaitMembership(t, chat, alice.UserID.String(), event.MembershipInvite)
	alice.mustJoin(t, chat)
	alice.ask(t, chat, "!live source") // answered after all that was written before
	fields := regexp.MustCompile(`Mount: /icecast/(\S+)\n\nUser: source\nPassword: (\S+)\n`)
	valid := 0
	for _, evt := range alice.known() {
		if found := fields.FindStringSubmatch(evt.Content.AsMessage().Body); evt.RoomID == chat && found != nil {
			m, err := o.Store.Mounts().Authorize(t.Context(), found[1], found[2])
			if err == nil && m.Room == room.String() && m.Speaker == alice.UserID.String() {
				valid++
			}
			if strings.Contains(radio.log.String(), found[2]) {
				t.Error("the log has a password")
			}
		}
	}
	if valid != 1 {
		t.Errorf("%d of what was sent counts, want the newest alone", valid)
	}
	if got := bob.ask(t, room, "!live source"); !strings.Contains(got, "Only this station's speakers") {
		t.Errorf("answer %q", got)
	}
}

// TestNotReached: the room reads why the speaker cannot be written to.
func TestNotReached(t *testing.T) {
	t.Parallel()
	server, o := newHome(t)
	radio := startProgramRadio(t, o)
	alice := newMember(t, server, "alice")
	room := newRoomWith(t, radio, alice)
	for range maxInvitations {
		alice.ask(t, room, "!live source")
		radio.mustLose(t, alice)
	}
	if got := alice.ask(t, room, "!live source"); got != string(errInvitedOften) {
		t.Errorf("answer %q", got)
	}
}

// TestMember: who is in a room, and with which power, is asked at the moment when it counts.
func TestMember(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	bob := newMember(t, alice.server, "bob")
	room := newRoomWith(t, radio, alice, bob)
	elsewhere := alice.newRoom(t, true)
	is := func(in id.RoomID, user string, wantPower int, want bool) {
		t.Helper()
		power, present, err := radio.Member(t.Context(), in.String(), user)
		if err != nil || present != want || power != wantPower {
			t.Errorf("%s in %s: %d, %v, %v, want %d, %v", user, in, power, present, err, wantPower, want)
		}
	}
	is(room, alice.UserID.String(), 100, true)
	is(room, bob.UserID.String(), 0, true)
	is(room, "@nobody:localhost", 0, false)
	is(elsewhere, alice.UserID.String(), 0, false)
	is("!nowhere:localhost", alice.UserID.String(), 0, false)
	if _, err := bob.LeaveRoom(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	is(room, bob.UserID.String(), 0, false)
	if _, err := alice.KickUser(t.Context(), room, &mautrix.ReqKickUser{UserID: id.UserID(radio.options.User)}); err != nil {
		t.Fatal(err)
	}
	is(room, alice.UserID.String(), 0, false)
}
