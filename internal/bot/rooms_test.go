package bot

import (
	"strings"
	"testing"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/command"
	"broadcastbot/internal/dendrite"
)

// TestEncryptedRoom: an invitation, commands and answers, end to end.
func TestEncryptedRoom(t *testing.T) {
	t.Parallel()
	server := dendrite.Run(t)
	user := mustRegister(t, server, "radio")
	radio := startRadioWith(t, radioOptions(t, server, t.TempDir()), command.Options{
		Rights: command.Rights{Speakers: command.Users{"@bob:" + server.ServerName()}},
	})
	alice, bob, carol := newMember(t, server, "alice"), newMember(t, server, "bob"), newMember(t, server, "carol")
	room := alice.newRoom(t, true, user, bob.UserID.String(), carol.UserID.String())
	for _, guest := range []*member{bob, carol} {
		if _, err := guest.JoinRoomByID(t.Context(), room); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range []*member{alice, bob, carol} { // whoever writes has to know whom to encrypt for
		for _, joined := range []string{user, bob.UserID.String(), carol.UserID.String()} {
			m.awaitMembership(t, room, joined, event.MembershipJoin)
		}
	}

	answer := alice.awaitReply(t, alice.say(t, room, "!help"))
	if answer.Mautrix.EventSource&event.SourceDecrypted == 0 {
		t.Error("the answer in an encrypted room is not encrypted")
	}
	if content := answer.Content.AsMessage(); content.MsgType != event.MsgNotice || !strings.Contains(content.Body, "!live start") {
		t.Errorf("answer %+v", content)
	}

	if got := carol.ask(t, room, "!live start Mine"); !strings.Contains(got, "Only this station's speakers") {
		t.Errorf("answer %q to a stranger", got)
	}
	radio.fake.CheckAsked(t, nil)
	if got := bob.ask(t, room, "!live start Town hall"); got != "“Town hall” is on air. !live stop ends the show." {
		t.Errorf("answer %q to a speaker", got)
	}
	radio.fake.CheckAsked(t, &broadcast.Request{Rooms: []string{room.String()}, Speaker: bob.UserID.String(), Title: "Town hall"})
	if got := alice.ask(t, room, "!live stop"); !strings.Contains(got, "is over") { // she made the room
		t.Errorf("answer %q to a moderator", got)
	}
}

// TestClearTextIsIgnored: where members encrypt, a command that anybody on the
// way could have written is none.
func TestClearTextIsIgnored(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := alice.newRoom(t, true, radio.options.User)
	alice.awaitMembership(t, room, radio.options.User, event.MembershipJoin)
	forged := &event.MessageEventContent{MsgType: event.MsgText, Body: "!live start Forged"}
	for _, spoil := range []string{"SELECT 1", "UPDATE mx_room_state SET encryption = NULL"} { // a crash loses what the room is
		if _, err := radio.options.Store.DB().Exec(spoil); err != nil {
			t.Fatal(err)
		}
		if _, err := alice.SendMessageEvent(t.Context(), room, event.EventMessage, forged, mautrix.ReqSendEvent{DontEncrypt: true}); err != nil {
			t.Fatal(err)
		}
		alice.ask(t, room, "!live status") // answered after the other would have been
	}
	radio.fake.CheckAsked(t, nil)
	if !strings.Contains(radio.log.String(), "in clear text into an encrypted room") {
		t.Error("nobody is told of the forgery")
	}
}

// TestForgottenEncryption: a bot that has lost the event which switched
// encryption on asks for it before it says anything in clear text.
func TestForgottenEncryption(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := alice.newRoom(t, true, radio.options.User)
	alice.awaitMembership(t, room, radio.options.User, event.MembershipJoin)
	if _, err := radio.options.Store.DB().Exec("UPDATE mx_room_state SET encryption = NULL"); err != nil {
		t.Fatal(err)
	}
	if err := radio.Say(t.Context(), room.String(), "a secret"); err != nil {
		t.Fatal(err)
	}
	said := alice.await(t, "the notice", func(evt *event.Event) bool { return evt.Content.AsMessage().Body == "a secret" })
	if said.Mautrix.EventSource&event.SourceDecrypted == 0 {
		t.Error("the bot writes clear text into an encrypted room")
	}
	if _, err := radio.options.Store.DB().Exec("UPDATE mx_room_state SET encryption = NULL"); err != nil {
		t.Fatal(err)
	}
	if encrypted, err := radio.IsEncrypted(t.Context(), room.String()); err != nil || !encrypted {
		t.Errorf("encrypted: %v (%v), want true", encrypted, err)
	}
}

// TestOldCommands: what was said before the bot came, or was started, is over, unless it only takes
// away: otherwise a show would go on after a restart that its speaker has stopped.
func TestOldCommands(t *testing.T) {
	t.Parallel()
	server := dendrite.Run(t)
	user := mustRegister(t, server, "radio")
	alice := newMember(t, server, "alice")
	o := radioOptions(t, server, t.TempDir())
	o.Inviters = command.Users{"*:" + server.ServerName()}

	room := alice.newRoom(t, false)
	o.PlainRooms = []string{room.String()}
	first := startRadio(t, o)
	alice.say(t, room, "!live start Before the invitation")
	mustInvite(t, alice, room, user)
	alice.awaitMembership(t, room, user, event.MembershipJoin)
	alice.ask(t, room, "!live status")
	first.fake.CheckAsked(t, nil)

	first.stop()
	alice.say(t, room, "!live start Between two runs")
	stop := alice.say(t, room, "!live stop")
	second := startRadio(t, o)
	alice.awaitReply(t, stop)
	alice.ask(t, room, "!live status")
	second.fake.CheckAsked(t, nil)

	edited := &event.MessageEventContent{MsgType: event.MsgText, Body: "!live start Edited"}
	edited.SetEdit(alice.say(t, room, "hello"))
	edited.Body = "!live start Edited"
	if _, err := alice.SendMessageEvent(t.Context(), room, event.EventMessage, edited); err != nil {
		t.Fatal(err)
	}
	alice.ask(t, room, "!live status")
	second.fake.CheckAsked(t, nil)
}

// TestStopBehindTalk: a stop that was said while the bot was down is found behind more talk than the
// homeserver tells of by itself.
func TestStopBehindTalk(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := newRoomWith(t, radio, alice)
	radio.stop()
	stop := alice.say(t, room, "!live stop") // with a key that the bot does not have yet
	for range 50 {
		alice.say(t, room, "so much to say")
	}
	startRadio(t, radio.options)
	alice.awaitReply(t, stop)
}

func TestInvitationDeclined(t *testing.T) {
	t.Parallel()
	server, o := newHome(t)
	radio, bob := startRadio(t, o), newMember(t, server, "bob")
	room := bob.newRoom(t, false, radio.options.User)
	bob.awaitMembership(t, room, radio.options.User, event.MembershipLeave)
}

// newStudio is the bot, and Alice, who may do all, at a homeserver of their own.
func newStudio(t *testing.T) (*radio, *member) {
	t.Helper()
	server, o := newHome(t)
	return startRadio(t, o), newMember(t, server, "alice")
}

// newPlainStudio is that with a room which is not encrypted, and which the config lists.
func newPlainStudio(t *testing.T) (*radio, *member, id.RoomID) {
	t.Helper()
	server := dendrite.Run(t)
	user, alice := mustRegister(t, server, "radio"), newMember(t, server, "alice")
	room := alice.newRoom(t, false, user)
	o := radioOptions(t, server, t.TempDir())
	o.PlainRooms = []string{room.String()}
	radio := startRadio(t, o)
	alice.awaitMembership(t, room, user, event.MembershipJoin)
	return radio, alice, room
}

func mustInvite(t *testing.T, m *member, room id.RoomID, user string) {
	t.Helper()
	if _, err := m.InviteUser(t.Context(), room, &mautrix.ReqInviteUser{UserID: id.UserID(user)}); err != nil {
		t.Fatal(err)
	}
}
