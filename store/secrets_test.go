package store

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"broadcastbot/internal/masterkey"
)

// spellings are how a track's secrets could stand in a file.
func spellings(t *Track) (all [][]byte) {
	for _, secret := range [][]byte{t.Key.Secret[:], t.Key.IV[:], t.Signing.Seed()} {
		all = append(all, secret,
			[]byte(base64.RawURLEncoding.EncodeToString(secret)), []byte(base64.RawStdEncoding.EncodeToString(secret)))
	}
	return append(all, []byte(t.Key.Fragment()))
}

func checkNoSecrets(t *testing.T, dir string, track *Track) {
	t.Helper()
	files := mustReadAll(t, dir)
	for _, secret := range spellings(track) {
		if bytes.Contains(files, secret) {
			t.Errorf("%q is in the files", secret)
		}
	}
}

// TestThiefOfTheFiles: whoever has the database, with its log, but not the key file, has no key of
// any show.
func TestThiefOfTheFiles(t *testing.T) {
	dir, keys := t.TempDir(), masterkey.File(filepath.Join(t.TempDir(), "key"))
	s, err := Open(t.Context(), filepath.Join(dir, "db"), keys)
	if err != nil {
		t.Fatal(err)
	}
	show := example("AAAAAAAAAAAAAAAAAAAAAA")
	for _, stage := range []Stage{Starting, Live, Concluding, Concluded} {
		show.Stage = stage
		s.mustSave(t, show)
		checkNoSecrets(t, dir, show.Main())
	}
	s.Close()
	checkNoSecrets(t, dir, show.Main())
	for name, other := range map[string]masterkey.Source{
		"no key file":        masterkey.File(filepath.Join(dir, "key")),
		"another key":        masterkey.File(mustKeyFile(t)),
		"a key that is none": masterkey.Text("it", "secret"),
	} {
		if _, err := Open(t.Context(), filepath.Join(dir, "db"), other); err == nil {
			t.Errorf("opened with %s", name)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "key")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a new key was made, which opens nothing:", err)
	}
	if s, err = Open(t.Context(), filepath.Join(dir, "db"), keys); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := s.mustList(t, Filter{}); got[0].Main().Key != show.Main().Key {
		t.Error("the owner of the key file has got another key")
	}
}

// mustKeyFile makes a new key file.
func mustKeyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if _, err := masterkey.File(path)(false); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSecretsStayWhereTheyBelong: who can write to the database, without the master key, cannot have
// one show be sealed or signed with the key of another.
func TestSecretsStayWhereTheyBelong(t *testing.T) {
	for _, exchange := range []string{
		`UPDATE track SET key = (SELECT key FROM track WHERE id = 'B') WHERE id = 'A'`,
		`UPDATE track SET signing = (SELECT signing FROM track WHERE id = 'B') WHERE id = 'A'`,
		`UPDATE track SET signing = key WHERE id = 'A'`,
		`UPDATE track SET id = 'C' WHERE id = 'A'`,
		`UPDATE track SET key = substr(key, 2) WHERE id = 'A'`,
	} {
		s := mustOpen(t, filepath.Join(t.TempDir(), "db"))
		a, b := example("A"), example("B")
		a.Stage, b.Stage = Live, Live
		s.mustSave(t, a, b)
		if _, err := s.db.Exec(exchange); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Shows(t.Context(), Filter{}); !errors.Is(err, masterkey.ErrWrongKey) {
			t.Errorf("%s: %v", exchange, err)
		}
	}
}

// TestSigningKeyGoesWithTheEnd: it is of no use any more when the file is complete, but for a forger.
// Who signed the file is still known.
func TestSigningKeyGoesWithTheEnd(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	show := example("AAAAAAAAAAAAAAAAAAAAAA")
	signer, link := show.Main().Signer(), show.Main().ListenURL()
	for _, stage := range []Stage{Starting, Live, Concluding, Concluded} {
		show.Stage = stage
		s.mustSave(t, show)
		show = s.mustList(t, Filter{})[0]
		if got := show.Main(); (got.Signing != nil) != (stage == Starting || stage == Live) || !signer.Equal(got.Signer()) || got.ListenURL() != link {
			t.Errorf("%s: signs %v, signer %x, %s", stage, got.Signing != nil, got.Signer(), got.ListenURL())
		}
	}
}

// TestKeysOfAnOlderDatabaseAreEncrypted: none of them is left in its files, and neither is one of a
// show that was forgotten long ago.
func TestKeysOfAnOlderDatabaseAreEncrypted(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "db")
	forgotten, kept := exampleTrack(false), exampleTrack(false)
	kept.Signing = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	for version := range 3 {
		mustMakeOld(t, path, version+1, `SELECT 1`)
	}
	mustChange(t, path, `INSERT INTO show VALUES ('A','@a:x','','tone:440',1,'concluded',''), ('B','@a:x','','tone:440',1,'concluded','')`)
	for id, track := range map[string]*Track{"A": &forgotten, "B": &kept} {
		key, err := track.storedKey()
		if err != nil {
			t.Fatal(err)
		}
		mustChange(t, path, `INSERT INTO track VALUES (?1,0,?1,'http://g',0,?2,1,0,100,'','',0,0,0,'','','',0)`, id, key)
	}
	mustChange(t, path, `DELETE FROM show WHERE id = 'A'`)
	if files := string(mustReadAll(t, dir)); !strings.Contains(files, forgotten.Key.Fragment()[:42]) || !strings.Contains(files, kept.Key.Fragment()[:42]) {
		t.Fatal("the keys are not in the files to begin with: this test tests nothing")
	}

	s := mustOpen(t, path)
	checkNoSecrets(t, dir, &forgotten)
	checkNoSecrets(t, dir, &kept)
	if got := s.mustList(t, Filter{}); len(got) != 1 || got[0].Main().Key != kept.Key {
		t.Errorf("%d shows, want the one that was kept, with its key", len(got))
	}
}

// TestErasureThatWasInterrupted is completed by the next start.
func TestErasureThatWasInterrupted(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "db")
	mustOpen(t, path).Close()
	mustChange(t, path, `CREATE TABLE trace (text TEXT); INSERT INTO trace VALUES ('footprint'); DROP TABLE trace; UPDATE master_key SET erased = 0`)
	if !bytes.Contains(mustReadAll(t, dir), []byte("footprint")) {
		t.Fatal("it was erased by itself: this test tests nothing")
	}
	mustOpen(t, path)
	if bytes.Contains(mustReadAll(t, dir), []byte("footprint")) {
		t.Error("the trace is still there")
	}
}

// mustChange has an older program, which does not overwrite what it deletes, do a statement.
func mustChange(t *testing.T, path, statement string, args ...any) {
	t.Helper()
	db := mustOpenOld(t, path)
	defer db.Close()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatal(err)
	}
}
