package bot

import (
	"testing"

	"maunium.net/go/mautrix/crypto/cryptohelper"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// TestKeysOfAnOlderProgram: it may have stored a forger's key as that of a speaker's device. The next
// program does not believe it, nor once the forger has sent that key as their own; what the bot itself
// has written it can still read.
func TestKeysOfAnOlderProgram(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"direct", "forward"} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			f, alice := newForger(t)
			out, victim := mustOutbound(t), alice.device()
			f.send(t, event.ToDeviceRoomKey, f.key(out))
			f.radio.stop()

			db := f.radio.options.Store.DB()
			if _, err := db.Exec(`UPDATE crypto_megolm_inbound_session SET sender_key = ?, signing_key = ?, key_source = ? WHERE session_id = ?`,
				victim.IdentityKey, victim.SigningKey, source, out.ID()); err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec(`DELETE FROM direct_room_keys`); err != nil { // as of a database that comes from an older program
				t.Fatal(err)
			}
			f.radio = startRadio(t, f.radio.options)
			f.radio.awaitRow(t, `SELECT 1 FROM crypto_megolm_inbound_session WHERE session_id IN (SELECT session_id FROM crypto_megolm_outbound_session_shared)`)
			mustEncrypt(t, out, "x")
			f.send(t, event.ToDeviceRoomKey, f.key(out))
			forgetKey(t, alice, f.room)
			f.speakAs(t, alice, out, victim)
			f.radio.fake.CheckAsked(t, nil)
		})
	}
}

// forgetKey has the member's next message use a new key, which they give to everybody.
func forgetKey(t *testing.T, m *member, room id.RoomID) {
	t.Helper()
	store := m.Crypto.(*cryptohelper.CryptoHelper).Machine().CryptoStore
	if err := store.RemoveOutboundGroupSession(t.Context(), room); err != nil {
		t.Fatal(err)
	}
}
