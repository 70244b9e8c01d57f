package bot

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/commandtest"
	"broadcastbot/internal/retry"
)

// maxClear is how large a message may be before it is encrypted: an event has 64 KiB, and encryption
// makes four bytes of three.
const maxClear = 48 << 10

// newLongNamed is a bot in a room where the speaker has a very long name.
func newLongNamed(t *testing.T) *eventHandler {
	t.Helper()
	h := newIdleHandler(t, &commandtest.Broadcasts{})
	member := &event.MemberEventContent{Membership: event.MembershipJoin, Displayname: strings.Repeat("<", 40_000)}
	if err := h.client.StateStore.SetMember(t.Context(), room, alice, member); err != nil {
		t.Fatal(err)
	}
	return h
}

// TestLongNames: no name is so long that a show cannot be announced, or not be ended.
func TestLongNames(t *testing.T) {
	h := newLongNamed(t)
	broken := finish(testShow(), strings.Repeat("<", 40_000))
	broken.Title, broken.Main().Seek = strings.Repeat("<", 200), strings.Repeat("A", 16_000)
	for user, want := range map[string]string{alice: strings.Repeat("<", maxName-1) + "…", "@" + strings.Repeat("b", 40_000) + ":x": strings.Repeat("b", maxName-1) + "…"} {
		name := h.bot.nameIn(t.Context(), room, user)
		if name != want {
			t.Errorf("the name is %d bytes long", len(name))
		}
		for _, content := range []*event.Content{announcement(broken, name), announcementEdit(broken, "$announcement", name)} {
			if text, err := json.Marshal(content); err != nil || len(text) > maxClear {
				t.Errorf("a message of %d bytes (%v)", len(text), err)
			}
		}
	}
}

// TestLongQuotes: what is answered to a long command fits into an event.
func TestLongQuotes(t *testing.T) {
	h := newIdleHandler(t, &commandtest.Broadcasts{})
	size := 0
	takeAll := h.client.Client.Transport.(roundTripper)
	h.client.Client.Transport = roundTripper(func(r *http.Request) *http.Response {
		if r.Body != nil {
			body, _ := io.ReadAll(r.Body)
			size = len(body)
		}
		return takeAll(r)
	})
	for _, words := range []string{"!live ", "!live start device:"} {
		size = 0
		h.onMessage(t.Context(), message(alice, words+strings.Repeat("<", 60_000)))
		h.tasks.wait()
		if size == 0 || size > maxClear {
			t.Errorf("%q: an answer of %d bytes", words, size)
		}
	}
}

// TestTooLarge: a message that the homeserver finds too large is not sent for ever.
func TestTooLarge(t *testing.T) {
	h := newIdleHandler(t, &commandtest.Broadcasts{})
	for _, refusal := range []string{`{"errcode": "M_TOO_LARGE"}`, `a proxy's page`} {
		h.client.Client.Transport = roundTripper(func(*http.Request) *http.Response {
			return answer(http.StatusRequestEntityTooLarge, refusal)
		})
		_, err := h.bot.post(t.Context(), id.RoomID(room), event.EventMessage, notice("hello"), "")
		if !retry.IsPermanent(roomError(err)) {
			t.Errorf("tried again after %v", err)
		}
	}
}
