package bot

import (
	"encoding/json"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto/cryptohelper"
	"maunium.net/go/mautrix/crypto/olm"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// forger is a device that nobody has signed, of an account that is in no room. It makes up keys.
type forger struct {
	*member
	radio *radio
	room  id.RoomID
}

// newForger returns a forger, and a speaker of the room whose commands the bot obeys.
func newForger(t *testing.T) (*forger, *member) {
	t.Helper()
	radio, alice := newStudio(t)
	room := newRoomWith(t, radio, alice)
	alice.ask(t, room, "!live status")
	mallory := newUnsigned(t, alice.server, mustRegister(t, alice.server, "mallory"))
	mallory.follow(t)
	return &forger{mallory, radio, room}, alice
}

// device is the member's, as the bot knows it.
func (m *member) device() *id.Device {
	return m.Crypto.(*cryptohelper.CryptoHelper).Machine().OwnIdentity()
}

// send gives the bot a key, or a copy of one, and returns when the bot has seen it: when another key,
// sent behind it, is there.
func (f *forger) send(t *testing.T, kind event.Type, content any) {
	t.Helper()
	f.sendOne(t, kind, content)
	marker := mustOutbound(t)
	f.sendOne(t, event.ToDeviceRoomKey, f.key(marker))
	f.radio.awaitRow(t, "SELECT 1 FROM crypto_megolm_inbound_session WHERE session_id = ?", marker.ID())
}

func (f *forger) sendOne(t *testing.T, kind event.Type, content any) {
	t.Helper()
	machine := f.Crypto.(*cryptohelper.CryptoHelper).Machine()
	device, err := machine.GetOrFetchDevice(t.Context(), f.radio.client.UserID, f.radio.client.DeviceID)
	if err == nil {
		err = machine.SendEncryptedToDevice(t.Context(), device, kind, event.Content{Parsed: content})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (f *forger) key(out olm.OutboundGroupSession) *event.RoomKeyEventContent {
	return &event.RoomKeyEventContent{Algorithm: id.AlgorithmMegolmV1, RoomID: f.room, SessionID: out.ID(), SessionKey: out.Key()}
}

func mustOutbound(t *testing.T) olm.OutboundGroupSession {
	t.Helper()
	out, err := olm.NewOutboundGroupSession()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func mustEncrypt(t *testing.T, out olm.OutboundGroupSession, text string) string {
	t.Helper()
	ciphertext, err := out.Encrypt([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return string(ciphertext)
}

// TestForwardedKey: whoever passes a key on cannot say whose it is. The key is the forger's own, sent
// once as it should be and once more, from an earlier index, as that of a speaker's device.
func TestForwardedKey(t *testing.T) {
	t.Parallel()
	f, alice := newForger(t)
	out := mustOutbound(t)
	in, err := olm.NewInboundGroupSession([]byte(out.Key()))
	if err != nil {
		t.Fatal(err)
	}
	copied, err := in.Export(0)
	if err != nil {
		t.Fatal(err)
	}
	mustEncrypt(t, out, "x")
	f.send(t, event.ToDeviceRoomKey, f.key(out))
	forward := event.ForwardedRoomKeyEventContent{RoomKeyEventContent: *f.key(out), ForwardingKeyChain: []string{}}
	victim := alice.device()
	forward.SessionKey, forward.SenderKey, forward.SenderClaimedKey = string(copied), victim.IdentityKey, victim.SigningKey
	f.send(t, event.ToDeviceForwardedRoomKey, &forward)
	f.speakAs(t, alice, out, victim)
	f.radio.fake.CheckAsked(t, nil)
}

// speakAs has the bot receive a command that is encrypted with a key, as a homeserver would send it in
// the name of another member, and returns when the bot has answered what that member says afterwards.
func (f *forger) speakAs(t *testing.T, victim *member, out olm.OutboundGroupSession, device *id.Device) {
	t.Helper()
	command, _ := json.Marshal(map[string]any{
		"room_id": f.room, "type": "m.room.message", "content": map[string]any{"msgtype": "m.text", "body": "!live start Forged"},
	})
	content, _ := json.Marshal(map[string]any{
		"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": mustEncrypt(t, out, string(command)),
		"session_id": out.ID(), "device_id": device.DeviceID, "sender_key": device.IdentityKey,
	})
	evt := &event.Event{
		Type: event.EventEncrypted, RoomID: f.room, Sender: victim.UserID, ID: "$forged", Timestamp: time.Now().UnixMilli(),
	}
	if err := json.Unmarshal(content, &evt.Content); err != nil {
		t.Fatal(err)
	}
	if err := evt.Content.ParseRaw(evt.Type); err != nil {
		t.Fatal(err)
	}
	evt.Mautrix.EventSource = event.SourceJoin | event.SourceTimeline
	f.radio.client.Syncer.(mautrix.DispatchableSyncer).Dispatch(t.Context(), evt)
	victim.ask(t, f.room, "!live status")
}

// TestKeyOfAnotherRoom: a member who has got a speaker's key cannot move it to another room in the
// bot's store, or take it over.
func TestKeyOfAnotherRoom(t *testing.T) {
	t.Parallel()
	thief, alice := newForger(t)
	out, room := mustOutbound(t), thief.room
	owner := &forger{alice, thief.radio, room}
	owner.send(t, event.ToDeviceRoomKey, owner.key(out))
	thief.room = "!elsewhere:example.org"
	thief.send(t, event.ToDeviceRoomKey, thief.key(out))
	thief.radio.awaitRow(t, "SELECT 1 FROM crypto_megolm_inbound_session WHERE session_id = ? AND room_id = ? AND sender_key = ?",
		out.ID(), room, alice.device().IdentityKey)
}
