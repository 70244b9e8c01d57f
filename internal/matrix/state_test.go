package matrix

import (
	"encoding/json"
	"testing"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

const (
	room  = "!room:example.org"
	alice = "@alice:example.org"
)

// parseSync reads the answer to a sync request, with one event in the timeline of a room.
func parseSync(kind, stateKey, content string) (*mautrix.RespSync, error) {
	text := `{"rooms": {"join": {"` + room + `": {"timeline": {"events": [{"event_id": "$event", "sender": "` + alice + `",
		"type": "` + kind + `", "state_key": "` + stateKey + `", "content": ` + content + `}]}}}}}`
	response := new(mautrix.RespSync)
	return response, json.Unmarshal([]byte(text), response)
}

func mustSync(t *testing.T, kind, stateKey, content string) *mautrix.RespSync {
	t.Helper()
	response, err := parseSync(kind, stateKey, content)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// process has a session's syncer take in an answer, and returns what the session knows then.
func process(t testing.TB, response *mautrix.RespSync) mautrix.StateStore {
	t.Helper()
	known := mautrix.NewMemoryStateStore()
	mustKnow(t, known)
	syncer := (&Session{ready: make(chan struct{})}).newSyncer()
	client := &mautrix.Client{StateStore: known}
	syncer.OnEvent(client.StateStoreSyncHandler)
	if err := syncer.ProcessResponse(t.Context(), response, "since"); err != nil {
		t.Fatal(err)
	}
	return known
}

// mustKnow has Alice be an admin of an encrypted room.
func mustKnow(t testing.TB, known mautrix.StateStore) {
	t.Helper()
	for _, err := range []error{
		known.SetMembership(t.Context(), room, alice, event.MembershipJoin),
		known.SetPowerLevels(t.Context(), room, &event.PowerLevelsEventContent{Users: map[id.UserID]int{alice: 100}}),
		known.SetEncryptionEvent(t.Context(), room, &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func powerOf(t testing.TB, known mautrix.StateStore) int {
	t.Helper()
	levels, err := known.GetPowerLevels(t.Context(), room)
	if err != nil {
		t.Fatal(err)
	}
	return levels.GetUserLevel(alice)
}

// TestUnreadablePower: rights do not outlive the event that took them, because of how it was written.
func TestUnreadablePower(t *testing.T) {
	for _, content := range []string{`null`, `{"users": 7}`, `{"users": {"` + alice + `": "100"}}`,
		`{"users": {"` + alice + `": 100}, "users_default": {}}`, `{"users": {}}`} {
		if power := powerOf(t, process(t, mustSync(t, "m.room.power_levels", "", content))); power != 0 {
			t.Errorf("after %s: power %d", content, power)
		}
	}
	if power := powerOf(t, process(t, mustSync(t, "m.room.power_levels", "", `{"users": {"`+alice+`": 60}}`))); power != 60 {
		t.Errorf("power %d of an event that can be read", power)
	}
}

func TestUnreadableMember(t *testing.T) {
	for _, content := range []string{`null`, `{"membership": 7}`, `{"membership": "leave", "displayname": 7}`,
		`{"membership": "ban", "displayname": {}}`, `{"membership": "join", "membership": "leave", "avatar_url": []}`} {
		known := process(t, mustSync(t, "m.room.member", alice, content))
		if known.IsInvited(t.Context(), room, alice) {
			t.Errorf("after %s Alice is still in the room", content)
		}
	}
}

func TestUnreadableEncryption(t *testing.T) {
	for _, content := range []string{`null`, `{"algorithm": 7}`, `{"algorithm": "m.megolm.v1.aes-sha2", "rotation_period_ms": "x"}`} {
		encrypted, err := process(t, mustSync(t, "m.room.encryption", "", content)).IsEncrypted(t.Context(), room)
		if err != nil || !encrypted {
			t.Errorf("after %s the room is encrypted: %v (%v)", content, encrypted, err)
		}
	}
}

// FuzzState: an event that cannot be read leaves nobody more rights than one that says nothing.
func FuzzState(f *testing.F) {
	for _, content := range []string{`{}`, `null`, `{"users": {"` + alice + `": 100}}`, `{"users": {"` + alice + `": "100"}}`, `{"users_default": 1e3}`,
		`{"membership": "join"}`, `{"membership": "leave", "displayname": 7}`, `{"membership": 7}`, `{"algorithm": 7}`, `{"history_visibility": []}`, `{"creator": 7}`} {
		for kind := range stateKinds {
			f.Add(uint8(kind), content)
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, content string) {
		name := stateKinds[int(kind)%len(stateKinds)]
		stateKey := ""
		if name == event.StateMember.Type {
			stateKey = alice
		}
		response, err := parseSync(name, stateKey, content)
		if err != nil {
			t.Skip("no answer that could be read:", err)
		}
		known := process(t, response)
		checkPower(t, name, content, powerOf(t, known))
		checkMember(t, name, content, known.IsInvited(t.Context(), room, alice))
		if encryption, err := known.(*mautrix.MemoryStateStore).GetEncryptionEvent(t.Context(), room); err != nil || encryption == nil {
			t.Errorf("after %s %s the room is not known to be encrypted any more", name, content)
		}
	})
}

var stateKinds = []string{event.StateMember.Type, event.StatePowerLevels.Type, event.StateEncryption.Type,
	event.StateHistoryVisibility.Type, event.StateCreate.Type, event.StateJoinRules.Type}

func checkPower(t *testing.T, kind, content string, power int) {
	t.Helper()
	if kind != event.StatePowerLevels.Type || power == 0 {
		return
	}
	var said struct {
		Users        map[string]int `json:"users"`
		UsersDefault int            `json:"users_default"`
	}
	if err := json.Unmarshal([]byte(content), &said); err != nil {
		t.Errorf("%s gives power %d", content, power)
	}
}

func checkMember(t *testing.T, kind, content string, isIn bool) {
	t.Helper()
	if kind != event.StateMember.Type || !isIn {
		return
	}
	if membership := readMembership(json.RawMessage(content)); membership != event.MembershipJoin && membership != event.MembershipInvite {
		t.Errorf("%s lets Alice in", content)
	}
}
