package bot

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/command"
	"broadcastbot/internal/commandtest"
	"broadcastbot/internal/matrix"
	"broadcastbot/store"
)

const (
	room  = "!room:example.org"
	alice = "@alice:example.org" // a speaker
	bob   = "@bob:example.org"   // not
)

// TestStopOvertakes: a speaker's !live stop is carried out although a member floods the room, so that
// the homeserver takes no more answers.
func TestStopOvertakes(t *testing.T) {
	fake := &commandtest.Broadcasts{
		Live: map[string]broadcast.Status{room: {Show: store.Show{Speaker: alice}}}, Stopped: make(chan string, 1),
	}
	h := newIdleHandler(t, fake)
	quick := h.client.Client.Transport.(roundTripper)
	posting, release := make(chan struct{}, 100), make(chan struct{})
	h.client.Client.Transport = roundTripper(func(r *http.Request) *http.Response {
		if r.Method == http.MethodPut {
			posting <- struct{}{}
			<-release
		}
		return quick(r)
	})
	h.onMessage(t.Context(), message(bob, "!help"))
	<-posting
	for range 3 * maxWaiting {
		h.onMessage(t.Context(), message(bob, "!live stop"))
	}
	h.onMessage(t.Context(), message(alice, "!live stop"))
	select {
	case <-fake.Stopped:
	case <-time.After(patience):
		t.Error("the show goes on while an answer is being posted")
	}
	close(release)
	h.tasks.wait()
}

// TestNobodyDropsAStop: neither another speaker, nor somebody who only pretends to be the speaker, nor
// all that the speaker has said before.
func TestNobodyDropsAStop(t *testing.T) {
	const carol = "@carol:example.org" // a speaker, too
	forged := message(alice, "!live stop")
	forged.Mautrix.EventSource = event.SourceDecrypted // by the key of no known device
	for name, said := range map[string][]*event.Event{
		"another speaker": {message(alice, "!live stop"), message(carol, "!live stop")},
		"forged":          {message(alice, "!live stop"), forged},
		"in a hurry":      append(slices.Repeat([]*event.Event{message(alice, "!live status")}, 2*maxWaiting), message(alice, "!live stop")),
	} {
		fake := &commandtest.Broadcasts{Live: map[string]broadcast.Status{room: {Show: store.Show{Speaker: alice}}}}
		h := newIdleHandler(t, fake)
		h.commands.Rights.Speakers = command.Users{alice, carol}
		release := make(chan struct{})
		h.tasks.enqueue(lane{room: room}, false, func() { <-release })
		h.tasks.enqueue(lane{room, alice}, false, func() { <-release })
		for _, evt := range said {
			h.onMessage(t.Context(), evt)
		}
		close(release)
		h.tasks.wait()
		if _, live := fake.Status(room); live {
			t.Errorf("%s: Alice has said stop and is still on air", name)
		}
	}
}

// TestStartThenStop: what one user says is done in its order, so that no start comes after its stop.
func TestStartThenStop(t *testing.T) {
	fake := &commandtest.Broadcasts{}
	h := newIdleHandler(t, fake)
	release := make(chan struct{})
	h.tasks.enqueue(lane{room, alice}, false, func() { <-release })
	h.onMessage(t.Context(), message(alice, "!live start"))
	h.onMessage(t.Context(), message(alice, "!live stop"))
	close(release)
	h.tasks.wait()
	if _, live := fake.Status(room); live || len(fake.Asked()) != 1 {
		t.Errorf("the show is on air: %v, after %d starts", live, len(fake.Asked()))
	}
}

// TestWaitedTooLong: a start that had to wait opens no microphone minutes later.
func TestWaitedTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &commandtest.Broadcasts{}
		h := newIdleHandler(t, fake)
		h.tasks.enqueue(lane{room, alice}, false, func() { time.Sleep(commandLifetime) })
		h.onMessage(t.Context(), message(alice, "!live start"))
		h.tasks.wait()
		fake.CheckAsked(t, nil)
	})
}

// TestIsCurrent: what only takes away also counts if it was said while the bot was down.
func TestIsCurrent(t *testing.T) {
	h := newIdleHandler(t, nil)
	for _, test := range []struct {
		words string
		runs  time.Duration // of the bot
		age   time.Duration
		want  bool
	}{
		{"!live start", time.Hour, -2 * time.Minute, false},
		{"!live start", time.Hour, -30 * time.Second, true},
		{"!live start", time.Hour, 0, true},
		{"!live start", time.Hour, 4 * time.Minute, true},
		{"!live start", time.Hour, 6 * time.Minute, false},
		{"!live start", time.Hour, 2 * time.Hour, false},
		{"!live start", time.Second, 5 * time.Second, false},
		{"!live status", time.Second, 5 * time.Second, false},
		{"!live stop", time.Second, 5 * time.Second, true},
		{"!live delete", time.Second, 5 * time.Second, true},
		{"!live stop", time.Second, 6 * time.Minute, false},
		{"!live stop", time.Hour, -2 * time.Minute, false},
	} {
		h.started = time.Now().Add(-test.runs)
		evt := &event.Event{RoomID: room, Timestamp: time.Now().Add(-test.age).UnixMilli()}
		if got := h.isCurrent(evt, strings.Fields(test.words)); got != test.want {
			t.Errorf("%s, %v old, by a bot that runs for %v, is current: %v, want %v", test.words, test.age, test.runs, got, test.want)
		}
	}
}

// TestStopWhileAway: a stop that was said while the bot was down ends the show of then, and none that
// began later: a homeserver can send it again.
func TestStopWhileAway(t *testing.T) {
	for name, test := range map[string]struct {
		begun time.Duration // before the stop
		ends  bool
	}{"the show of then": {time.Hour, true}, "by clocks that differ": {-30 * time.Second, true}, "a later show": {-2 * time.Minute, false}} {
		for _, words := range []string{"!live stop", "!live delete"} {
			stop := message(alice, words)
			stop.Timestamp -= (3 * time.Minute).Milliseconds()
			show := store.Show{ID: "id", Speaker: alice, StartedAt: time.UnixMilli(stop.Timestamp).Add(-test.begun), Tracks: []store.Track{{}}}
			fake := &commandtest.Broadcasts{
				Live: map[string]broadcast.Status{room: {Show: show}}, Shows: map[string]store.Show{"": show},
				Stopped: make(chan string, 1), Removed: make(chan string, 1),
			}
			h := newIdleHandler(t, fake)
			h.started = time.Now()
			h.onMessage(t.Context(), stop)
			h.tasks.wait()
			if ended := len(fake.Stopped)+len(fake.Removed) > 0; ended != test.ends {
				t.Errorf("%s ends %s: %v, want %v", words, name, ended, test.ends)
			}
		}
	}
}

// TestLeaveEndsShow: nobody may go on listening in a room that sent us away.
func TestLeaveEndsShow(t *testing.T) {
	for _, membership := range []event.Membership{event.MembershipLeave, event.MembershipBan} {
		fake := &commandtest.Broadcasts{Live: map[string]broadcast.Status{room: {}, "!other:example.org": {}}}
		h := newIdleHandler(t, fake)
		key := h.client.UserID.String()
		h.onMember(t.Context(), &event.Event{
			Type: event.StateMember, RoomID: room, StateKey: &key,
			Content: event.Content{Parsed: &event.MemberEventContent{Membership: membership}},
		})
		h.tasks.wait()
		if _, live := fake.Status(room); live {
			t.Errorf("%s: the show goes on", membership)
		}
		if _, live := fake.Status("!other:example.org"); !live {
			t.Errorf("%s: the show of another room has ended", membership)
		}
	}
}

// TestReplay: a homeserver can bring the same message again, and mautrix decrypts it again. A
// microphone must not open a second time because of it.
func TestReplay(t *testing.T) {
	fake := &commandtest.Broadcasts{}
	h := newIdleHandler(t, fake)
	start := message(alice, "!live start")
	for _, evt := range []*event.Event{start, message(alice, "!live stop"), start} {
		h.onMessage(t.Context(), evt)
		h.tasks.wait()
	}
	if _, live := fake.Status(room); live {
		t.Error("the same message puts a second show on air")
	}
}

// TestStalePower: what is stored may be older than the room.
func TestStalePower(t *testing.T) {
	for _, now := range []string{"", `null`, `{"users": {"` + bob + `": "100"}}`, `{"users": 7}`, `{"users": {"` + bob + `": 40}}`} {
		fake := &commandtest.Broadcasts{Live: map[string]broadcast.Status{room: {Show: store.Show{Speaker: alice}}}}
		h := newIdleHandler(t, fake)
		h.commands.Rights.Power = 50
		before := &event.PowerLevelsEventContent{Users: map[id.UserID]int{bob: 100}}
		if err := h.client.StateStore.SetPowerLevels(t.Context(), room, before); err != nil {
			t.Fatal(err)
		}
		sayNothing := h.client.Client.Transport.(roundTripper)
		h.client.Client.Transport = roundTripper(func(r *http.Request) *http.Response {
			if now != "" && strings.Contains(r.URL.Path, "m.room.power_levels") {
				return answer(http.StatusOK, now)
			}
			return sayNothing(r)
		})
		h.onMessage(t.Context(), message(bob, "!live stop"))
		h.tasks.wait()
		if _, live := fake.Status(room); !live {
			t.Errorf("with the power levels %q, an admin of earlier ends a show", now)
		}
	}
}

// TestEditWithoutRelation: what says that a message is an edit stands outside of the encryption, so
// a homeserver can take it away.
func TestEditWithoutRelation(t *testing.T) {
	fake := &commandtest.Broadcasts{}
	h := newIdleHandler(t, fake)
	edit := message(alice, "!live start")
	edit.Content.AsMessage().NewContent = &event.MessageEventContent{MsgType: event.MsgText, Body: "!live start"}
	h.onMessage(t.Context(), edit)
	h.tasks.wait()
	fake.CheckAsked(t, nil)
}

// TestDeviceOrigin: mautrix gives us what it could decrypt, whoever sent the key.
func TestDeviceOrigin(t *testing.T) {
	device := &id.Device{UserID: alice, DeviceID: "PHONE"}
	for name, test := range map[string]struct {
		info event.MautrixInfo
		want origin
		any  origin // where the config trusts any device
	}{
		"Signed":      {event.MautrixInfo{TrustState: id.TrustStateCrossSignedTOFU, TrustSource: device}, obeyed, obeyed},
		"Verified":    {event.MautrixInfo{TrustState: id.TrustStateCrossSignedVerified, TrustSource: device}, obeyed, obeyed},
		"Unsigned":    {event.MautrixInfo{TrustState: id.TrustStateUnset, TrustSource: device}, untrusted, obeyed},
		"NewIdentity": {event.MautrixInfo{TrustState: id.TrustStateCrossSignedUntrusted, TrustSource: device}, changed, obeyed},
		"Blacklisted": {event.MautrixInfo{TrustState: id.TrustStateBlacklisted, TrustSource: device}, unknown, unknown},
		"Mismatch":    {event.MautrixInfo{TrustState: id.TrustStateDeviceKeyMismatch, TrustSource: device}, unknown, unknown},
		"NoDevice":    {event.MautrixInfo{TrustState: id.TrustStateUnknownDevice}, unknown, unknown},
		"Backup":      {event.MautrixInfo{TrustState: id.TrustStateBackup}, unknown, unknown},
		"OurOwnKey":   {event.MautrixInfo{TrustState: id.TrustStateVerified}, unknown, unknown},
		"Forwarded":   {event.MautrixInfo{TrustState: id.TrustStateVerified, TrustSource: device, ForwardedKeys: true}, unknown, unknown},
		"SomebodyElse": {event.MautrixInfo{TrustState: id.TrustStateVerified,
			TrustSource: &id.Device{UserID: bob, DeviceID: "PHONE"}}, unknown, unknown},
		"Removed": {event.MautrixInfo{TrustState: id.TrustStateCrossSignedTOFU,
			TrustSource: &id.Device{UserID: alice, DeviceID: "PHONE", Deleted: true}}, unknown, unknown},
	} {
		evt := message(alice, "!live start")
		evt.Mautrix = test.info
		evt.Mautrix.EventSource = event.SourceDecrypted
		for trust, want := range map[matrix.Trust]origin{matrix.CrossSigned: test.want, matrix.AnyDevice: test.any} {
			o := Options{
				Homeserver: "https://matrix.example.org", User: "@radio:example.org", Password: "secret",
				Store: mustOpenStore(t, t.TempDir()), RecoveryDir: t.TempDir(), Trust: trust,
			}
			b, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			if got := b.origin(t.Context(), evt); got != want {
				t.Errorf("%s with trust %d: %s, want %s", name, trust, got, want)
			}
		}
	}
}

// newIdleHandler is that of a bot in a listed room without encryption, whose homeserver takes all
// that it says, and knows no power levels.
func newIdleHandler(t *testing.T, fake *commandtest.Broadcasts) *eventHandler {
	t.Helper()
	client, err := mautrix.NewClient("https://example.org", "@radio:example.org", "token")
	if err != nil {
		t.Fatal(err)
	}
	client.Client = &http.Client{Transport: roundTripper(func(r *http.Request) *http.Response {
		if r.Method == http.MethodGet {
			return answer(http.StatusNotFound, `{"errcode": "M_NOT_FOUND"}`)
		}
		return answer(http.StatusOK, `{"event_id": "$said"}`)
	})}
	client.StateStore = mautrix.NewMemoryStateStore()
	commands := mustCommands(t, command.Options{Broadcasts: fake, Rights: command.Rights{Speakers: command.Users{alice}}})
	h := newEventHandler(&Bot{chats: newDirectChats(nil, nil), voices: newVoices(client),
		client: client, session: &matrix.Session{Client: client}, log: slog.New(slog.DiscardHandler),
		options: Options{PlainRooms: []string{room}},
	}, commands)
	h.started = time.Time{} // a message has milliseconds only
	h.joined.set(room, true)
	return h
}

// message is what a user says now.
func message(user, text string) *event.Event {
	return &event.Event{
		Type: event.EventMessage, RoomID: room, Sender: id.UserID(user), ID: id.EventID("$" + rand.Text()), Timestamp: time.Now().UnixMilli(),
		Content: event.Content{Parsed: &event.MessageEventContent{MsgType: event.MsgText, Body: text}},
	}
}

// TestJoinTriesAgain: the first refusals may only come too early.
func TestJoinTriesAgain(t *testing.T) {
	for _, test := range []struct {
		refusals, requests int
		joined             bool
	}{{0, 1, true}, {2, 3, true}, {100, 6, false}} {
		synctest.Test(t, func(t *testing.T) {
			requests := 0
			client, err := mautrix.NewClient("https://example.org", "@radio:example.org", "token")
			if err != nil {
				t.Fatal(err)
			}
			client.Client = &http.Client{Transport: roundTripper(func(*http.Request) *http.Response {
				requests++
				if requests <= test.refusals {
					return answer(http.StatusForbidden, `{"errcode": "M_FORBIDDEN", "error": "not invited"}`)
				}
				return answer(http.StatusOK, `{"room_id": "!room:example.org"}`)
			})}
			begin := time.Now()
			err = (&Bot{client: client}).join(t.Context(), room)
			if (err == nil) != test.joined || requests != test.requests {
				t.Errorf("after %d refusals: %v, %d requests, want %d", test.refusals, err, requests, test.requests)
			}
			if !test.joined && !errors.Is(err, mautrix.MForbidden) {
				t.Errorf("error %v, want the homeserver's", err)
			}
			if took := time.Since(begin); took > time.Minute {
				t.Errorf("it took %v", took)
			}
		})
	}
}

type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: make(http.Header), Body: io.NopCloser(bytes.NewReader([]byte(body)))}
}
