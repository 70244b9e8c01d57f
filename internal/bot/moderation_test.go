package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/command"
	"broadcastbot/internal/commandtest"
	"broadcastbot/internal/dendrite"
	"broadcastbot/store"
)

// mustBeRedacted checks that nothing of a message is left at the homeserver.
func mustBeRedacted(t *testing.T, m *member, room id.RoomID, message string) {
	t.Helper()
	evt, err := m.GetEvent(t.Context(), room, id.EventID(message))
	if err != nil {
		t.Fatal(err)
	}
	if len(evt.Content.Raw) > 0 {
		t.Errorf("message %s is still there: %v", message, evt.Content.Raw)
	}
}

// TestRetract: the announcement, its edits and the voice message are gone, also where a moderator has
// removed the announcement before, and where the answers of the homeserver were lost.
func TestRetract(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := alice.newRoom(t, true, radio.options.User)
	alice.awaitMembership(t, room, radio.options.User, event.MembershipJoin)
	for name, forget := range map[string]func(*recorded){
		"all is known":   func(*recorded) {},
		"lost the edits": func(b *recorded) { b.announced().Edits = "" },
		"lost the voice": func(b *recorded) { b.announced().VoiceEvent = ""; b.NoteVoicing() },
		"lost it all": func(b *recorded) {
			*b.announced() = store.Announcement{Room: room.String(), Edits: b.announced().Edits}
			b.NoteVoicing()
		},
		"without a voice": func(b *recorded) {},
	} {
		b := newShow(t, room)
		b.ID = strings.ReplaceAll(name, " ", "-") // of the transactions
		mustAnnounce(t, radio, alice, b)
		if removed, err := radio.IsRemoved(t.Context(), *b.announced()); err != nil || removed {
			t.Errorf("%s: removed: %v, %v", name, removed, err)
		}
		if name != "without a voice" {
			mustConclude(t, radio, b)
		}
		known := *b.announced()
		if name == "all is known" {
			if _, err := alice.RedactEvent(t.Context(), room, id.EventID(known.Event)); err != nil {
				t.Fatal(err)
			}
		}
		forget(b)
		b.Stage = store.Deleting
		for range 2 { // it can be repeated
			if err := radio.Retract(t.Context(), b.Show, *b.announced()); err != nil {
				t.Fatal(name, err)
			}
		}
		for _, message := range slices.Concat([]string{known.Event}, strings.Fields(known.Edits), strings.Fields(known.VoiceEvent)) {
			mustBeRedacted(t, alice, room, message)
		}
		if removed, err := radio.IsRemoved(t.Context(), known); err != nil || !removed {
			t.Errorf("%s: removed: %v, %v", name, removed, err)
		}
		if over, err := radio.IsOver(t.Context(), known); err != nil || !over {
			t.Errorf("%s: over: %v, %v", name, over, err)
		}
	}
}

// TestIsOver: what counts is what the homeserver has, not what is noted; and others say nothing with
// edits of the bot's message, however many.
func TestIsOver(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := alice.newRoom(t, true, radio.options.User)
	alice.awaitMembership(t, room, radio.options.User, event.MembershipJoin)
	mustBe := func(what string, b *recorded, want bool) {
		t.Helper()
		known := store.Announcement{Room: room.String(), Event: b.announced().Event}
		if over, err := radio.IsOver(t.Context(), known); err != nil || over != want {
			t.Errorf("%s: over: %v, %v", what, over, err)
		}
	}
	b := newShow(t, room)
	mustAnnounce(t, radio, alice, b)
	mustBe("on air", b, false)
	mustEdit := func() {
		edit := notice("This is over.")
		edit.SetEdit(id.EventID(b.announced().Event))
		if _, err := alice.SendMessageEvent(t.Context(), room, event.EventMessage, edit); err != nil {
			t.Fatal(err)
		}
	}
	mustEdit()
	mustBe("edited by somebody else", b, false)
	b.Stage = store.Concluding
	mustUpdate(t, radio, b)
	alice.await(t, "the edit", func(evt *event.Event) bool { return evt.ID.String() == b.announced().Edits })
	mustBe("ended", b, true)
	for range 101 {
		mustEdit()
	}
	mustBe("ended, and edited by somebody else", b, true)
	if over, err := radio.IsOver(t.Context(), store.Announcement{Room: room.String(), Event: "$unknown"}); err == nil {
		t.Errorf("over: %v, although there is no announcement", over)
	}
}

// TestModerationIsHeard: what people do in the room reaches the shows.
func TestModerationIsHeard(t *testing.T) {
	t.Parallel()
	server := dendrite.Run(t)
	user := mustRegister(t, server, "radio")
	alice, speaker := newMember(t, server, "alice"), newMember(t, server, "speaker")
	room := alice.newRoom(t, false, user, speaker.UserID.String())
	o := radioOptions(t, server, t.TempDir())
	o.PlainRooms = []string{room.String()}
	radio := startRadio(t, o)
	radio.fake.Removed = make(chan string, 10)
	radio.fake.Stopped = make(chan string, 10)
	if _, err := speaker.JoinRoomByID(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	alice.awaitMembership(t, room, radio.options.User, event.MembershipJoin)
	alice.awaitMembership(t, room, speaker.UserID.String(), event.MembershipJoin)
	mustSwitch := func(plain bool) {
		radio.fake.Set(room.String(), broadcast.Status{Show: store.Show{
			Speaker: speaker.UserID.String(), Tracks: []store.Track{{Plain: plain}},
		}})
	}
	mustStop := func(what string) {
		t.Helper()
		select {
		case <-radio.fake.Stopped:
		case <-time.After(patience):
			t.Fatalf("%s: the show goes on", what)
		}
	}

	t.Run("redaction", func(t *testing.T) {
		said := alice.say(t, room, "hello")
		if _, err := alice.RedactEvent(t.Context(), room, said); err != nil {
			t.Fatal(err)
		}
		if removed := <-radio.fake.Removed; removed != said.String() {
			t.Errorf("%s was removed, not %s", removed, said)
		}
	})
	t.Run("kick", func(t *testing.T) {
		mustSwitch(false)
		if _, err := alice.KickUser(t.Context(), room, &mautrix.ReqKickUser{UserID: speaker.UserID}); err != nil {
			t.Fatal(err)
		}
		mustStop("kicked")
		alice.await(t, "the reason", func(evt *event.Event) bool {
			return strings.Contains(evt.Content.AsMessage().Body, "is not in this room any more")
		})
		show := &store.Show{Speaker: speaker.UserID.String(), Tracks: []store.Track{{}}}
		if err := radio.MayGoOn(t.Context(), show, room.String()); err != broadcast.ErrSpeakerLeft {
			t.Errorf("the show of somebody who is not there may go on: %v", err)
		}
	})
	t.Run("ban", func(t *testing.T) {
		mustSwitch(false)
		if _, err := alice.BanUser(t.Context(), room, &mautrix.ReqBanUser{UserID: speaker.UserID}); err != nil {
			t.Fatal(err)
		}
		mustStop("banned")
	})
	t.Run("encryption", func(t *testing.T) {
		mustSwitch(true)
		show := &store.Show{Speaker: alice.UserID.String(), Tracks: []store.Track{{Plain: true}}}
		if err := radio.MayGoOn(t.Context(), show, room.String()); err != nil {
			t.Errorf("the show may not go on: %v", err)
		}
		_, err := alice.SendStateEvent(t.Context(), room, event.StateEncryption, "", &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1})
		if err != nil {
			t.Fatal(err)
		}
		mustStop("encrypted")
		if err := radio.MayGoOn(t.Context(), show, room.String()); err != broadcast.ErrEncrypted {
			t.Errorf("a plain show may go on: %v", err)
		}
	})
}

// TestMayGoOnByConfig: what counts is what config and room say now: both may have changed while the bot
// was down.
func TestMayGoOnByConfig(t *testing.T) {
	plain, sealed := []store.Track{{Plain: true}}, []store.Track{{}}
	for name, test := range map[string]struct {
		rights command.Rights
		power  string // of Alice; "": nobody knows
		rooms  []string
		tracks []store.Track
		want   error
	}{
		"speaker":             {command.Rights{Speakers: command.Users{alice}}, "0", nil, sealed, nil},
		"no speaker any more": {command.Rights{Speakers: command.Users{bob}, Power: 101}, "100", nil, sealed, broadcast.ErrNoSpeaker},
		"power":               {command.Rights{Power: 50}, "50", nil, sealed, nil},
		"less power":          {command.Rights{Power: 50}, "49", nil, sealed, broadcast.ErrNoSpeaker},
		"unknown power":       {command.Rights{Power: 50}, "", nil, sealed, broadcast.ErrNoSpeaker},
		"listed":              {command.Rights{Speakers: command.Users{alice}}, "0", []string{room}, plain, nil},
		"not listed any more": {command.Rights{Speakers: command.Users{alice}}, "0", []string{"!other:example.org"}, plain, broadcast.ErrUnlisted},
	} {
		h := newIdleHandler(t, nil)
		h.bot.options.Rights, h.bot.options.PlainRooms = test.rights, test.rooms
		nothingElse := h.client.Client.Transport.(roundTripper)
		h.client.Client.Transport = roundTripper(func(r *http.Request) *http.Response {
			switch {
			case strings.Contains(r.URL.Path, "m.room.member"):
				return answer(http.StatusOK, `{"membership": "join"}`)
			case strings.Contains(r.URL.Path, "m.room.power_levels") && test.power != "":
				return answer(http.StatusOK, `{"users": {"`+alice+`": `+test.power+`}}`)
			default:
				return nothingElse(r)
			}
		})
		if err := h.bot.MayGoOn(t.Context(), &store.Show{Speaker: alice, Tracks: test.tracks}, room); err != test.want {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

// TestDeleteByAnswer: in an encrypted room, too, the bot knows which message a command answers.
func TestDeleteByAnswer(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	radio.fake.Removed = make(chan string, 1)
	radio.fake.Shows = map[string]store.Show{}
	room := alice.newRoom(t, true, radio.options.User)
	alice.awaitMembership(t, room, radio.options.User, event.MembershipJoin)
	announced := alice.say(t, room, "as if it were an announcement")
	radio.fake.Shows[announced.String()] = store.Show{ID: "the show", Speaker: alice.UserID.String(), Tracks: []store.Track{{}}}
	command := &event.MessageEventContent{MsgType: event.MsgText, Body: "!live delete", RelatesTo: new(event.RelatesTo).SetReplyTo(announced)}
	sent, err := alice.SendMessageEvent(t.Context(), room, event.EventMessage, command)
	if err != nil {
		t.Fatal(err)
	}
	if answer := alice.awaitReply(t, sent.EventID).Content.AsMessage().Body; !strings.Contains(answer, "is deleted") {
		t.Errorf("answer %q", answer)
	}
	if deleted := <-radio.fake.Removed; deleted != "the show" {
		t.Errorf("%q was deleted", deleted)
	}
}

// TestDepartures: who is not in the room any more is off air, whatever else the event says.
func TestDepartures(t *testing.T) {
	for membership, want := range map[event.Membership]bool{
		event.MembershipJoin: true, event.MembershipLeave: false, event.MembershipBan: false,
		event.MembershipInvite: false, event.MembershipKnock: false, "": false,
	} {
		fake := &commandtest.Broadcasts{Live: map[string]broadcast.Status{
			room: {Show: store.Show{Speaker: alice}}, "!other:example.org": {Show: store.Show{Speaker: bob}},
		}}
		h := newModeration(newIdleHandler(t, fake))
		for _, user := range []string{bob, alice} {
			h.onDeparture(t.Context(), &event.Event{
				Type: event.StateMember, RoomID: room, StateKey: &user,
				Content: event.Content{Parsed: &event.MemberEventContent{Membership: membership}},
			})
			h.wait()
			if _, live := fake.Status(room); live != (want || user == bob) {
				t.Errorf("the show is on air: %v, although %s is %q", live, user, membership)
			}
		}
	}
}

// TestGaps: where the homeserver has left something out, redactions are looked for.
func TestGaps(t *testing.T) {
	fake := &commandtest.Broadcasts{Checked: make(chan string, 10)}
	h := newModeration(newIdleHandler(t, fake))
	var response mautrix.RespSync
	const text = `{"rooms": {"join": {"!whole:x": {"timeline": {"events": []}}, "!gap:x": {"timeline": {"limited": true}}}}}`
	if err := json.Unmarshal([]byte(text), &response); err != nil {
		t.Fatal(err)
	}
	for _, since := range []string{"", "s1"} {
		if !h.onGaps(context.Background(), &response, since) {
			t.Error("the response is not processed")
		}
		h.wait()
	}
	if len(fake.Checked) != 1 || <-fake.Checked != "!gap:x" {
		t.Error("the room with the gap was not looked at")
	}
}

// TestStopInAGap: much talk does not hide a stop. Nothing that opens a microphone is obeyed from there,
// and nothing whose origin is not known.
func TestStopInAGap(t *testing.T) {
	for name, test := range map[string]struct {
		said, sender string
		listed, ends bool
	}{
		"stop": {"!live stop", alice, true, true}, "start": {"!live start", alice, true, false},
		"a member's stop": {"!live stop", bob, true, false}, "anybody's, in clear text": {"!live stop", alice, false, false},
	} {
		fake := &commandtest.Broadcasts{Live: map[string]broadcast.Status{room: {Show: store.Show{Speaker: alice}}}}
		h := newModeration(newIdleHandler(t, fake))
		if !test.listed {
			h.bot.options.PlainRooms = nil
		}
		nothingElse := h.client.Client.Transport.(roundTripper)
		h.client.Client.Transport = roundTripper(func(r *http.Request) *http.Response {
			if !strings.HasSuffix(r.URL.Path, "/messages") {
				return nothingElse(r)
			}
			asked := r.URL.Query()
			if asked.Get("from") == "p1" {
				return answer(http.StatusOK, `{"chunk": [{"type": "m.room.message", "content": {"msgtype": "m.text", "body": "hello"}}], "end": "p2"}`)
			}
			if asked.Get("from") != "p2" || asked.Get("to") != "s1" || asked.Get("dir") != "b" {
				t.Errorf("asked for %v", asked)
			}
			return answer(http.StatusOK, fmt.Sprintf(`{"chunk": [{"type": "m.room.message", "event_id": "$said", "sender": %q, "origin_server_ts": %d,
				"content": {"msgtype": "m.text", "body": %q}}]}`, test.sender, time.Now().UnixMilli(), test.said))
		})
		var response mautrix.RespSync
		if err := json.Unmarshal([]byte(`{"rooms": {"join": {"`+room+`": {"timeline": {"limited": true, "prev_batch": "p1"}}}}}`), &response); err != nil {
			t.Fatal(err)
		}
		h.onGaps(t.Context(), &response, "s1")
		h.wait()
		if _, live := fake.Status(room); live == test.ends || len(fake.Asked()) > 0 {
			t.Errorf("%s: the show is on air: %v; asked for %v", name, live, fake.Asked())
		}
	}
}

// TestRedactionOfBothVersions: the redacted event stands in the content since room version 11.
func TestRedactionOfBothVersions(t *testing.T) {
	fake := &commandtest.Broadcasts{Removed: make(chan string, 10)}
	h := newModeration(newIdleHandler(t, fake))
	for _, text := range []string{
		`{"type": "m.room.redaction", "redacts": "$a", "content": {}}`,
		`{"type": "m.room.redaction", "content": {"redacts": "$a"}}`,
	} {
		var evt event.Event
		if err := json.Unmarshal([]byte(text), &evt); err != nil {
			t.Fatal(err)
		}
		evt.RoomID, evt.Type = room, event.EventRedaction
		if err := evt.Content.ParseRaw(evt.Type); err != nil {
			t.Fatal(err)
		}
		h.onRedaction(t.Context(), &evt)
		h.wait()
		if redacted := <-fake.Removed; redacted != "$a" {
			t.Errorf("%s: %q", text, redacted)
		}
	}
}
