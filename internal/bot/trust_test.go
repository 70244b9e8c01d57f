package bot

import (
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/crypto/cryptohelper"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/command"
	"broadcastbot/internal/dendrite"
	"broadcastbot/internal/matrix"
	"broadcastbot/store"
)

// newRoomWith is an encrypted room of the members and the bot, all of whom know each other.
func newRoomWith(t *testing.T, r *radio, members ...*member) id.RoomID {
	t.Helper()
	users := []string{r.options.User}
	for _, m := range members[1:] {
		users = append(users, m.UserID.String())
	}
	room := members[0].newRoom(t, true, users...)
	for _, m := range members[1:] {
		if _, err := m.JoinRoomByID(t.Context(), room); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range members {
		for _, user := range users {
			m.awaitMembership(t, room, user, event.MembershipJoin)
		}
	}
	return room
}

// isExplained waits for the sentence that explains why a message was ignored.
func isExplained(t *testing.T, m *member, to id.EventID, want string) {
	t.Helper()
	answer := m.awaitReply(t, to)
	if got := answer.Content.AsMessage().Body; got != want {
		t.Errorf("explained as %q, want %q", got, want)
	}
	if answer.Mautrix.EventSource&event.SourceDecrypted != 0 {
		t.Error("the explanation is encrypted: who needs it cannot read it")
	}
}

// canRead reports whether a member has the key of what was said. It is certain after something said
// later has come.
func (m *member) canRead(said id.EventID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, evt := range m.events {
		if evt.ID == said && evt.Mautrix.EventSource&event.SourceDecrypted != 0 {
			return true
		}
	}
	return false
}

// TestForgedDevice: a homeserver can add a device to a speaker's account. It opens no microphone,
// and gets no key, until the speaker signs it.
func TestForgedDevice(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := newRoomWith(t, radio, alice)
	forged := newUnsigned(t, alice.server, alice.UserID.String())
	forged.follow(t)
	forged.awaitMembership(t, room, radio.options.User, event.MembershipJoin)

	isExplained(t, forged, forged.say(t, room, "!live start Forged"), explanations[untrusted])
	radio.fake.CheckAsked(t, nil)
	announced := mustAnnounce(t, radio, alice, newShow(t, room))
	secondAsk := forged.say(t, room, "!live start Forged again") // is explained no more
	alice.ask(t, room, "!live status")
	if forged.canRead(announced.ID) {
		t.Error("a device that nobody has signed reads the announcement, with the key in it")
	}
	for _, evt := range forged.known() {
		if evt.Content.AsMessage().RelatesTo.GetReplyTo() == secondAsk {
			t.Error("the same device is told twice")
		}
	}

	mustSign(t, radio, room, alice, forged)
	if err := radio.Say(t.Context(), room.String(), "welcome"); err != nil {
		t.Fatal(err)
	}
	forged.await(t, "what was said after it was signed", func(evt *event.Event) bool {
		return evt.Type == event.EventMessage && evt.Content.AsMessage().Body == "welcome"
	})
	if got := forged.ask(t, room, "!live start Signed"); !strings.Contains(got, "is on air") {
		t.Errorf("answer %q to a signed device", got)
	}
}

// mustSign has a member's account sign another device of it, and returns when the bot knows.
func mustSign(t *testing.T, r *radio, room id.RoomID, m, other *member) {
	t.Helper()
	device := other.Crypto.(*cryptohelper.CryptoHelper).Machine().OwnIdentity()
	if err := m.Crypto.(*cryptohelper.CryptoHelper).Machine().SignOwnDevice(t.Context(), device); err != nil {
		t.Fatal(err)
	}
	r.awaitRow(t, "SELECT 1 FROM crypto_cross_signing_signatures WHERE signed_key = ? AND signer_key <> signed_key", device.SigningKey)
	m.ask(t, room, "!live status") // answered after what else came with the signature
}

// TestOwnDevices: other devices of the bot's own account, which the list of members does not show,
// get no keys either.
func TestOwnDevices(t *testing.T) {
	t.Parallel()
	server := dendrite.Run(t)
	owner := newMember(t, server, "radio") // made the account's identity before the bot came
	o := radioOptions(t, server, t.TempDir())
	radio, alice := startRadio(t, o), newMember(t, server, "alice")
	room := newRoomWith(t, radio, alice)
	announced := mustAnnounce(t, radio, alice, newShow(t, room))
	after := alice.say(t, room, "afterwards")
	owner.await(t, "what Alice said", func(evt *event.Event) bool { return evt.ID == after && evt.Type == event.EventMessage })
	if owner.canRead(announced.ID) {
		t.Error("another device of the bot's account reads the announcement, with the key in it")
	}
}

// TestChangedIdentity: a homeserver can show other cross-signing keys than before.
func TestChangedIdentity(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := newRoomWith(t, radio, alice)
	alice.ask(t, room, "!live status")
	other := newUnsigned(t, alice.server, alice.UserID.String())
	other.signItself(t)
	other.follow(t)
	other.awaitMembership(t, room, radio.options.User, event.MembershipJoin)
	isExplained(t, other, other.say(t, room, "!live start Mine now"), explanations[changed])
	radio.fake.CheckAsked(t, nil)

	radio.stop()
	identity := other.Crypto.(*cryptohelper.CryptoHelper).Machine().CrossSigningKeys.MasterKey.PublicKey().String()
	if !strings.Contains(radio.log.String(), identity) {
		t.Error("the log does not tell the identity that the config would have to name")
	}
	o := radio.options
	o.Identities = matrix.Identities{alice.UserID.String(): identity}
	startRadio(t, o)
	if got := other.ask(t, room, "!live start Mine indeed"); !strings.Contains(got, "is on air") {
		t.Errorf("answer %q to the identity that the config names", got)
	}
}

// TestNamedIdentity: an identity that the config names is not only the one that came first.
func TestNamedIdentity(t *testing.T) {
	t.Parallel()
	server, o := newHome(t)
	o.Identities = matrix.Identities{"@alice:" + server.ServerName(): strings.Repeat("A", 43)}
	radio, alice := startRadio(t, o), newMember(t, server, "alice") // the homeserver's Alice
	room := newRoomWith(t, radio, alice)
	isExplained(t, alice, alice.say(t, room, "!live start False"), explanations[changed])
	radio.fake.CheckAsked(t, nil)
}

// TestAnyDevice is the way out that the config has.
func TestAnyDevice(t *testing.T) {
	t.Parallel()
	server, o := newHome(t)
	o.Trust = matrix.AnyDevice
	radio := startRadio(t, o)
	alice := newUnsigned(t, server, mustRegister(t, server, "alice"))
	alice.follow(t)
	room := newRoomWith(t, radio, alice)
	if got := alice.ask(t, room, "!live start Unsigned"); !strings.Contains(got, "is on air") {
		t.Errorf("answer %q", got)
	}
}

// TestLeftOut: members without a verified session are told that they cannot listen, once.
func TestLeftOut(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	bob := newUnsigned(t, alice.server, mustRegister(t, alice.server, "bob"))
	bob.follow(t)
	room := newRoomWith(t, radio, alice, bob)
	alice.ask(t, room, "!live status")
	isNotice := func(evt *event.Event) bool {
		return evt.Type == event.EventMessage && strings.HasPrefix(evt.Content.AsMessage().Body, bob.UserID.String()+": you cannot read")
	}
	bob.await(t, "a sentence about it", isNotice)
	alice.newDevice(t) // so that the next answer has a new key
	alice.ask(t, room, "!live status")
	told := 0
	for _, evt := range alice.known() {
		if isNotice(evt) {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}

// TestGoneMember: whoever has left gets no more keys, although nobody told the bot.
func TestGoneMember(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	bob := newMember(t, alice.server, "bob")
	room := newRoomWith(t, radio, alice, bob)
	alice.ask(t, room, "!live status")
	radio.stop()
	if _, err := bob.LeaveRoom(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	alice.awaitMembership(t, room, bob.UserID.String(), event.MembershipLeave)
	// A crash loses what came with one answer of the homeserver.
	again := startRadio(t, radio.options)
	if _, err := again.options.Store.DB().Exec("UPDATE mx_user_profile SET membership = 'join' WHERE user_id = ?", bob.UserID); err != nil {
		t.Fatal(err)
	}
	if users, err := again.recipients(t, room); err != nil || len(users) != 1 || users[0] != alice.UserID {
		t.Errorf("keys for %v (%v), want Alice alone", users, err)
	}
}

// recipients says something in the room and returns whose devices got its key.
func (r *radio) recipients(t *testing.T, room id.RoomID) (users []id.UserID, err error) {
	t.Helper()
	if err := r.Say(t.Context(), room.String(), "hello"); err != nil {
		return nil, err
	}
	rows, err := r.options.Store.DB().Query(`SELECT DISTINCT user_id FROM crypto_megolm_outbound_session_shared
		WHERE session_id = (SELECT session_id FROM crypto_megolm_outbound_session WHERE room_id = ?)`, room)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var user id.UserID
		if err := rows.Scan(&user); err != nil {
			return nil, err
		}
		users = append(users, user)
	}
	return users, rows.Err()
}

// TestUnlistedRoom: without encryption anybody on the way can have written a command.
func TestUnlistedRoom(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := alice.newRoom(t, false, radio.options.User)
	alice.awaitMembership(t, room, radio.options.User, event.MembershipJoin)
	for _, words := range []string{"!live start Clear", "!live status", "!live stop", "!help"} {
		if got := alice.ask(t, room, words); got != explanations[unlisted] {
			t.Errorf("answer %q to %q", got, words)
		}
	}
	radio.fake.CheckAsked(t, nil)
}

// TestKeyNeverInClear: what has a key in it is encrypted, whatever the homeserver says of the room,
// before a show and in the middle of it.
func TestKeyNeverInClear(t *testing.T) {
	t.Parallel()
	server := dendrite.Run(t)
	user, alice := mustRegister(t, server, "radio"), newMember(t, server, "alice")
	unlisted, listed, downgraded := alice.newRoom(t, false, user), alice.newRoom(t, false, user), alice.newRoom(t, true, user)
	o := radioOptions(t, server, t.TempDir())
	o.PlainRooms = []string{listed.String()}
	radio := startRadio(t, o)
	for _, room := range []id.RoomID{unlisted, listed, downgraded} {
		alice.awaitMembership(t, room, user, event.MembershipJoin)
		b := newShow(t, room)
		mustAnnounce(t, radio, alice, b)
		if room == downgraded {
			mustDowngrade(t, radio, alice, room)
		}
		mustConclude(t, radio, b)
		after := alice.say(t, room, "afterwards")
		alice.await(t, "the end", func(evt *event.Event) bool { return evt.ID == after && evt.Type == event.EventMessage })
		for _, evt := range alice.known() {
			isClear := evt.Type == event.EventMessage && evt.Mautrix.EventSource&event.SourceDecrypted == 0
			if isClear && evt.RoomID == room && evt.Sender.String() == user {
				t.Errorf("said in clear text: %s", evt.Content.VeryRaw)
			}
		}
		if checkVoice := awaitVoice(t, alice, b).Content.AsMessage(); checkVoice.URL != "" {
			t.Errorf("a voice message in clear text: %+v", checkVoice)
		}
	}
}

// mustDowngrade switches the room's encryption to something that no client knows.
func mustDowngrade(t *testing.T, r *radio, m *member, room id.RoomID) {
	t.Helper()
	sent, err := m.SendStateEvent(t.Context(), room, event.StateEncryption, "", map[string]any{"algorithm": "org.example.none"})
	if err != nil {
		t.Fatal(err)
	}
	m.await(t, "the end of encryption", func(evt *event.Event) bool { return evt.ID == sent.EventID })
	r.awaitRow(t, "SELECT 1 FROM mx_room_state WHERE encryption LIKE '%none%'")
}

// awaitRow waits until a query of the bot's database has a row.
func (r *radio) awaitRow(t *testing.T, query string, args ...any) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var found int
		if r.options.Store.DB().QueryRow(query, args...).Scan(&found) == nil {
			return
		}
	}
	t.Fatalf("no row for %s", query)
}

// TestOldInvitation: what the timeline of a join tells of earlier invitations is over.
func TestOldInvitation(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	bob := newMember(t, alice.server, "bob") // whose invitations are declined
	room := alice.newRoom(t, true, bob.UserID.String())
	if _, err := bob.JoinRoomByID(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	mustInvite(t, bob, room, radio.options.User)
	alice.awaitMembership(t, room, radio.options.User, event.MembershipLeave)
	mustInvite(t, alice, room, radio.options.User)
	alice.awaitMembership(t, room, radio.options.User, event.MembershipJoin)
	alice.ask(t, room, "!live status") // whatever the bot does about the join it does before
	member, err := alice.Client.FullStateEvent(t.Context(), room, event.StateMember, radio.options.User)
	if err != nil || member.Content.AsMember().Membership != event.MembershipJoin {
		t.Errorf("the bot has left the room that it was invited to: %v", err)
	}
}

// TestForgedPower: power levels are what the homeserver says they are, so with the config's default
// they end shows, and begin none.
func TestForgedPower(t *testing.T) {
	t.Parallel()
	server, o := newHome(t)
	o.Inviters = command.Users{"*:" + server.ServerName()}
	radio := startRadioWith(t, o, command.Options{Rights: command.Rights{Power: 101}})
	mallory := newMember(t, server, "mallory") // has made the room, and so has all power in it
	room := newRoomWith(t, radio, mallory)
	if got := mallory.ask(t, room, "!live start"); !strings.Contains(got, "Only this station's speakers") {
		t.Errorf("answer %q", got)
	}
	radio.fake.CheckAsked(t, nil)
	radio.fake.Live = map[string]broadcast.Status{room.String(): {Show: store.Show{Speaker: "@alice:localhost"}}}
	if got := mallory.ask(t, room, "!live stop"); !strings.Contains(got, "is over") {
		t.Errorf("answer %q", got)
	}
}

// known are the events that have come so far.
func (m *member) known() []*event.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]*event.Event(nil), m.events...)
}

// newDevice logs the member in once more, with a session that nobody has signed.
func (m *member) newDevice(t *testing.T) *member {
	t.Helper()
	return newUnsigned(t, m.server, m.UserID.String())
}
