package bot

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/command"
	"broadcastbot/internal/commandtest"
	"broadcastbot/store"
)

const (
	room  = "!room:example.org"
	alice = "@alice:example.org" // a speaker
	bob   = "@bob:example.org"   // not
)

// TestInTurn: a room's tasks are done in order, and another room's meanwhile.
func TestInTurn(t *testing.T) {
	b := &Bot{rooms: newRooms()}
	release, elsewhere := make(chan struct{}), make(chan struct{})
	var done []int
	for i := range 3 {
		b.enqueue("!one", func() {
			<-release
			done = append(done, i) // no lock: the race detector sees who is not in turn
		})
	}
	b.enqueue("!two", func() { close(elsewhere) })
	<-elsewhere
	close(release)
	b.running.Wait()
	if !slices.Equal(done, []int{0, 1, 2}) {
		t.Errorf("done in the order %v", done)
	}
	if len(b.rooms.waiting) > 0 {
		t.Errorf("%d rooms are remembered without need", len(b.rooms.waiting))
	}
}

// TestFlood: of many tasks only some wait, and one that makes them pointless
// does not.
func TestFlood(t *testing.T) {
	for _, test := range []struct {
		name    string
		instead bool
		want    int // tasks done after the one that is being done
	}{{"Dropped", false, maxWaiting}, {"Instead", true, 1}} {
		t.Run(test.name, func(t *testing.T) {
			b := &Bot{rooms: newRooms(), log: slog.New(slog.DiscardHandler)}
			begun, release := make(chan struct{}), make(chan struct{})
			b.enqueue(room, func() { close(begun); <-release })
			<-begun
			done := 0
			for range 2 * maxWaiting {
				b.enqueue(room, func() { done++ })
			}
			if test.instead {
				b.overtake(room, func() { done++ })
			}
			close(release)
			b.running.Wait()
			if done != test.want {
				t.Errorf("%d tasks were done, want %d", done, test.want)
			}
		})
	}
}

// TestStopOvertakes: a speaker's !live stop is carried out although a member
// floods the room.
func TestStopOvertakes(t *testing.T) {
	fake := &commandtest.Broadcasts{Live: map[string]broadcast.Status{room: {Show: store.Show{Speaker: alice}}}}
	b, commands := newIdleBot(t, fake)
	begun, release := make(chan struct{}), make(chan struct{})
	b.enqueue(room, func() { close(begun); <-release })
	<-begun
	for range maxWaiting {
		b.onMessage(t.Context(), message(bob, "!live status"), commands)
	}
	b.onMessage(t.Context(), message(bob, "!live stop"), commands) // is no way around the queue for everybody
	b.onMessage(t.Context(), message(alice, "!live stop"), commands)
	close(release)
	b.running.Wait()
	if _, live := fake.Status(room); live {
		t.Error("the show goes on")
	}
}

// TestWaitedTooLong: a start that had to wait opens no microphone minutes later.
func TestWaitedTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &commandtest.Broadcasts{}
		b, commands := newIdleBot(t, fake)
		b.enqueue(room, func() { time.Sleep(commandLifetime) })
		b.onMessage(t.Context(), message(alice, "!live start"), commands)
		b.running.Wait()
		fake.CheckAsked(t, nil)
	})
}

func TestIsCurrent(t *testing.T) {
	for age, want := range map[time.Duration]bool{
		-2 * time.Minute: false, -30 * time.Second: true, 0: true, 4 * time.Minute: true, 6 * time.Minute: false, 2 * time.Hour: false,
	} {
		b := &Bot{rooms: newRooms(), started: time.Now().Add(-time.Hour)}
		b.rooms.set(room, true)
		if got := b.isCurrent(&event.Event{RoomID: room, Timestamp: time.Now().Add(-age).UnixMilli()}); got != want {
			t.Errorf("a command %v old is current: %v, want %v", age, got, want)
		}
	}
}

// TestIsAuthentic: mautrix gives us what it could decrypt, whoever sent the key.
func TestIsAuthentic(t *testing.T) {
	for state, want := range map[id.TrustState]bool{
		id.TrustStateBlacklisted: false, id.TrustStateDeviceKeyMismatch: false, id.TrustStateUnknownDevice: false,
		id.TrustStateForwarded: false, id.TrustStateBackup: false,
		id.TrustStateUnset: true, id.TrustStateCrossSignedTOFU: true, id.TrustStateVerified: true,
	} {
		evt := message(alice, "!live start")
		evt.Mautrix = event.MautrixInfo{EventSource: event.SourceDecrypted, TrustState: state}
		if got := (&Bot{}).isAuthentic(t.Context(), evt); got != want {
			t.Errorf("a command from a device that is %s is authentic: %v, want %v", state, got, want)
		}
	}
}

// TestLeaveEndsShow: nobody may go on listening in a room that sent us away.
func TestLeaveEndsShow(t *testing.T) {
	for _, membership := range []event.Membership{event.MembershipLeave, event.MembershipBan} {
		fake := &commandtest.Broadcasts{Live: map[string]broadcast.Status{room: {}, "!other:example.org": {}}}
		b, commands := newIdleBot(t, fake)
		key := b.client.UserID.String()
		b.onMember(t.Context(), &event.Event{
			Type: event.StateMember, RoomID: room, StateKey: &key,
			Content: event.Content{Parsed: &event.MemberEventContent{Membership: membership}},
		}, commands)
		b.running.Wait()
		if _, live := fake.Status(room); live {
			t.Errorf("%s: the show goes on", membership)
		}
		if _, live := fake.Status("!other:example.org"); !live {
			t.Errorf("%s: the show of another room has ended", membership)
		}
	}
}

// newIdleBot is a bot in a room without encryption, whose homeserver takes all
// that it says.
func newIdleBot(t *testing.T, fake *commandtest.Broadcasts) (*Bot, *command.Processor) {
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
	b := &Bot{client: client, rooms: newRooms(), log: slog.New(slog.DiscardHandler)}
	b.rooms.set(room, true)
	return b, mustCommands(t, command.Options{Broadcasts: fake, Rights: command.Rights{Speakers: command.Users{alice}}})
}

// message is what a user says now.
func message(user, text string) *event.Event {
	return &event.Event{
		Type: event.EventMessage, RoomID: room, Sender: id.UserID(user), ID: "$asked", Timestamp: time.Now().UnixMilli(),
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
