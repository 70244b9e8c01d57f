package bot

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto/goolm/libolmpickle"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/dendrite"
)

// pickle is an encrypted secret of the Matrix library, and where it stands.
type pickle struct {
	table, column string
	row           int64
	text          []byte
}

// mustPickles returns all of them. There is at least one of every kind.
func mustPickles(t *testing.T, db *sql.DB) (found []pickle) {
	t.Helper()
	for table, column := range map[string]string{
		"crypto_account": "account", "crypto_olm_session": "session", "crypto_megolm_inbound_session": "session",
		"crypto_megolm_outbound_session": "session", "crypto_secrets": "secret",
	} {
		rows, err := db.Query(`SELECT rowid, ` + column + ` FROM ` + table + ` WHERE ` + column + ` IS NOT NULL`)
		if err != nil {
			t.Fatal(err)
		}
		before := len(found)
		for rows.Next() {
			p := pickle{table: table, column: column}
			if err := rows.Scan(&p.row, &p.text); err != nil {
				t.Fatal(err)
			}
			found = append(found, p)
		}
		if err := rows.Close(); err != nil || len(found) == before {
			t.Fatalf("nothing in %s (%v)", table, err)
		}
	}
	return found
}

// TestKeysOfAnOlderDatabase: the Matrix session goes on, and none of its keys can be read with what
// everybody knows, neither in the database nor in what is left of it on the disk.
func TestKeysOfAnOlderDatabase(t *testing.T) {
	t.Parallel()
	server := dendrite.Run(t)
	user := mustRegister(t, server, "radio")
	dir := t.TempDir()
	o := radioOptions(t, server, dir)
	first := startRadio(t, o)
	alice := newMember(t, server, "alice")
	room := alice.newRoom(t, true, user)
	alice.awaitMembership(t, room, user, "join")
	alice.ask(t, room, "!help")
	first.stop()

	db, everybodyKnows := o.Store.DB(), []byte("broadcastbot")
	mustAddSecret(t, o)
	for _, p := range mustPickles(t, db) {
		if _, err := libolmpickle.Unpickle(everybodyKnows, p.text); err == nil {
			t.Errorf("a secret in %s is encrypted with nothing", p.table)
		}
		mustMakeFormer(t, o, p)
	}
	former := mustPickles(t, db)

	second := startRadio(t, o)
	if first.client.DeviceID != second.client.DeviceID {
		t.Error("the session does not go on")
	}
	alice.ask(t, room, "!help")
	second.stop()
	for _, p := range mustPickles(t, db) {
		if _, err := libolmpickle.Unpickle(everybodyKnows, p.text); err == nil {
			t.Errorf("a secret in %s is still encrypted with what everybody knows", p.table)
		}
	}
	checkErased(t, dir, former)
}

// mustAddSecret adds one of the kind that the bot has only after other sessions have sent it some.
func mustAddSecret(t *testing.T, o Options) {
	t.Helper()
	text, err := libolmpickle.Pickle(o.Store.PickleKey(), []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Store.DB().Exec(`INSERT INTO crypto_secrets VALUES (?, 'm.secret', ?)`, o.User, text); err != nil {
		t.Fatal(err)
	}
}

// mustMakeFormer encrypts a secret as older programs did.
func mustMakeFormer(t *testing.T, o Options, p pickle) {
	t.Helper()
	secret, err := libolmpickle.Unpickle(o.Store.PickleKey(), p.text)
	if err != nil {
		t.Fatal(err)
	}
	text, err := libolmpickle.Pickle([]byte("broadcastbot"), secret)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Store.DB().Exec(`UPDATE `+p.table+` SET `+p.column+` = ? WHERE rowid = ?`, text, p.row); err != nil {
		t.Fatal(err)
	}
}

// checkErased finds none of the secrets in any file of the folder.
func checkErased(t *testing.T, dir string, secrets []pickle) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no files:", err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range secrets {
			if bytes.Contains(text, p.text) {
				t.Errorf("%s has what stood in %s before", path, p.table)
			}
		}
	}
}

// TestRestartBeginsMegolmAnew: the database may have been restored from a copy, which does not know
// which message keys have been used since.
func TestRestartBeginsMegolmAnew(t *testing.T) {
	t.Parallel()
	server := dendrite.Run(t)
	mustRegister(t, server, "radio")
	alice := newMember(t, server, "alice")
	o := radioOptions(t, server, t.TempDir())
	var sessions []id.SessionID
	room := alice.newRoom(t, true, o.User)
	for range 2 {
		radio := startRadio(t, o)
		alice.awaitMembership(t, room, o.User, event.MembershipJoin)
		if err := radio.Say(t.Context(), room.String(), "hello"); err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, alice.lastMegolmSession(t, room))
		radio.stop()
	}
	if sessions[0] == sessions[1] {
		t.Error("the same Megolm session goes on after a restart")
	}
}

// lastMegolmSession returns by which session the newest encrypted message of a room was encrypted.
func (m *member) lastMegolmSession(t *testing.T, room id.RoomID) id.SessionID {
	t.Helper()
	messages, err := m.Messages(t.Context(), room, "", "", mautrix.DirectionBackward, nil, 20)
	if err != nil {
		t.Fatal(err)
	}
	for _, evt := range messages.Chunk {
		if evt.Type.Type != event.EventEncrypted.Type {
			continue
		}
		if err := evt.Content.ParseRaw(event.EventEncrypted); err != nil {
			t.Fatal(err)
		}
		return evt.Content.AsEncrypted().SessionID
	}
	t.Fatal("the room has no encrypted message")
	return ""
}
