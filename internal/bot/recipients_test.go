package bot

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/dendrite"
)

// newLyingStudio is a studio whose homeserver answers the bot at one path with what is not true. Who
// else asks there hears the truth.
func newLyingStudio(t *testing.T, path string, lie func(answer map[string]any)) (*radio, *member) {
	t.Helper()
	server := dendrite.Run(t)
	mustRegister(t, server, "radio")
	honest, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(honest)
	proxy.ModifyResponse = func(response *http.Response) error {
		if !strings.HasSuffix(response.Request.URL.Path, path) {
			return nil
		}
		return alter(response, lie)
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(front.Close)
	o := radioOptions(t, server, t.TempDir())
	o.Homeserver = front.URL
	return startRadio(t, o), newMember(t, server, "alice")
}

// alter changes an answer of JSON.
func alter(response *http.Response, change func(answer map[string]any)) error {
	defer response.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	change(answer)
	text, err := json.Marshal(answer)
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	response.Header.Set("Content-Length", strconv.Itoa(len(text)))
	return err
}

// spied is what the homeserver says of the spy's devices, once there are some.
type spied struct {
	mu   sync.Mutex
	user id.UserID
	keys map[string]map[string]any
}

func (s *spied) set(t *testing.T, spy *member) {
	t.Helper()
	keys, err := spy.Client.QueryKeys(t.Context(), &mautrix.ReqQueryKeys{DeviceKeys: mautrix.DeviceKeysRequest{spy.UserID: {}}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.user = spy.UserID
	if err := json.Unmarshal(text, &s.keys); err != nil {
		t.Fatal(err)
	}
}

func (s *spied) addTo(answer map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, kind := range []string{"device_keys", "master_keys", "self_signing_keys"} {
		if s.user == "" {
			return
		}
		if answer[kind] == nil {
			answer[kind] = map[string]any{}
		}
		answer[kind].(map[string]any)[s.user.String()] = s.keys[kind][s.user.String()]
	}
}

// TestUnaskedDevices: the homeserver answers a question for a member's devices with those of somebody
// else too, who gets no key.
func TestUnaskedDevices(t *testing.T) {
	t.Parallel()
	var devices spied
	radio, alice := newLyingStudio(t, "/keys/query", devices.addTo)
	spy, bob := newMember(t, alice.server, "spy"), newMember(t, alice.server, "bob")
	devices.set(t, spy)
	room := newRoomWith(t, radio, alice, bob)
	alice.ask(t, room, "!live status") // so that what the bot asks about by itself is over
	// As of a member who has just come: the devices are not known.
	if _, err := radio.options.Store.DB().Exec("DELETE FROM crypto_tracked_user WHERE user_id = ?", bob.UserID); err != nil {
		t.Fatal(err)
	}
	if _, err := radio.options.Store.DB().Exec("DELETE FROM crypto_megolm_outbound_session"); err != nil {
		t.Fatal(err)
	}
	users, err := radio.recipients(t, room)
	slices.Sort(users)
	if want := []id.UserID{alice.UserID, bob.UserID}; err != nil || !slices.Equal(users, want) {
		t.Errorf("keys for %v (%v), want %v", users, err, want)
	}
}

// TestReachedIsLogged: a member whom the homeserver names to the bot alone gets the keys, which cannot
// be helped, and the log names them, once.
func TestReachedIsLogged(t *testing.T) {
	t.Parallel()
	var spy atomic.Value // their name
	radio, alice := newLyingStudio(t, "/members", func(answer map[string]any) {
		if user, known := spy.Load().(id.UserID); known {
			answer["chunk"] = append(answer["chunk"].([]any), map[string]any{
				"type": "m.room.member", "state_key": user, "sender": user, "room_id": "!room:localhost", "event_id": "$x",
				"origin_server_ts": 1, "content": map[string]any{"membership": "join"},
			})
		}
	})
	spy.Store(newMember(t, alice.server, "spy").UserID)
	room := newRoomWith(t, radio, alice)
	alice.ask(t, room, "!live status")
	alice.newDevice(t) // so that the next answer has a new key
	alice.ask(t, room, "!live status")
	told := 0
	for line := range strings.Lines(radio.log.String()) {
		if strings.Contains(line, "get the keys") && strings.Contains(line, spy.Load().(id.UserID).String()) {
			told++
		}
	}
	if told != 1 {
		t.Errorf("the log names the spy %d times\n%s", told, radio.log)
	}
}
