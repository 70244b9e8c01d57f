package store

import (
	"database/sql"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"broadcastbot/internal/link"
	"broadcastbot/opusblocks"
)

func mustOpen(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func example() *Broadcast {
	return &Broadcast{
		ID: "AAAAAAAAAAAAAAAAAAAAAA", Room: "!r:example.org", Speaker: "@a:example.org",
		Title: "Town hall", Source: "device:default", State: Live, Reason: "none",
		Key: opusblocks.NewKey(), Channels: 2, Bitrate: 32000, BlockDuration: 100 * time.Millisecond,
		Gateway: "http://g",
		Event:   "$e", VoiceEvent: "$v", MXC: "mxc://m/1", MXCStored: true,
		StartedAt: time.UnixMilli(1795425442479), Duration: 12 * time.Second,
		Size: 123, Blocks: 1 << 32, SHA256: "hash", Seek: "table", Wave: "wave",
	}
}

func plainExample() *Broadcast {
	b := example()
	b.Plain, b.Key = true, opusblocks.Key{}
	return b
}

func TestBroadcastSurvivesReopening(t *testing.T) {
	for name, want := range map[string]*Broadcast{"encrypted": example(), "plain": plainExample()} {
		t.Run(name, func(t *testing.T) { testSurvivesReopening(t, want) })
	}
}

func testSurvivesReopening(t *testing.T, want *Broadcast) {
	path := filepath.Join(t.TempDir(), "bot db?mode=memory#.sqlite") // SQLite reads such names as URIs
	s := mustOpen(t, path)
	if err := s.SaveBroadcast(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	s.Close()

	got, err := mustOpen(t, path).Unconcluded(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestUnconcluded(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	for i, id := range []string{"late", "early", "over"} {
		b := example()
		b.ID, b.Concluded = id, id == "over"
		b.StartedAt = b.StartedAt.Add(-time.Duration(i) * time.Minute)
		if err := s.SaveBroadcast(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	open, err := s.Unconcluded(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(open) != 2 || open[0].ID != "early" || open[1].ID != "late" {
		t.Errorf("Unconcluded = %v", open)
	}
}

func TestDeletedIsForgotten(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	b := example()
	if err := s.SaveBroadcast(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteBroadcast(t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	if open, err := s.Unconcluded(t.Context()); err != nil || len(open) > 0 {
		t.Errorf("%d are left, %v", len(open), err)
	}
}

func TestFilesArePrivate(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, filepath.Join(dir, "db"))
	if err := s.SaveBroadcast(t.Context(), example()); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		t.Fatalf("ReadDir = %d files, %v", len(files), err)
	}
	for _, f := range files {
		if info, _ := f.Info(); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", f.Name(), info.Mode())
		}
	}
}

// TestOlderDatabaseIsBroughtUpToDate: a show from before migration 002 is an
// encrypted one.
func TestOlderDatabaseIsBroughtUpToDate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	first, err := migrations.ReadFile("migrations/001_broadcasts.sql")
	if err != nil {
		t.Fatal(err)
	}
	b := example()
	key, err := b.storedKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		string(first), `CREATE TABLE broadcastbot_version (version INTEGER NOT NULL)`, `INSERT INTO broadcastbot_version VALUES (1)`,
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Exec(`INSERT INTO broadcast VALUES ('AAAAAAAAAAAAAAAAAAAAAA','!r:x','@a:x','','tone:440','live','',?,1,0,100,'http://g','','','',0,0,1,0,0,0,'','')`, key); err != nil {
		t.Fatal(err)
	}
	db.Close()
	open, err := mustOpen(t, path).Unconcluded(t.Context())
	if err != nil || len(open) != 1 || open[0].Plain || open[0].Key != b.Key || open[0].Wave != "" {
		t.Errorf("Unconcluded = %+v, %v", open, err)
	}
}

func TestLinks(t *testing.T) {
	var table opusblocks.SeekTable
	for i := range int64(1000) {
		table.Add(opusblocks.Block{Offset: 1139 + i*40000, Start: i * 480000, Packets: [][]byte{{0x78}}})
	}
	sealed, plain, vbr, long := example(), plainExample(), plainExample(), example()
	sealed.Seek, plain.Seek = table.String(), table.String()
	vbr.Bitrate, vbr.Seek = 0, table.Within(100).String()
	long.Bitrate, long.Seek, long.Wave = 0, table.String(), ""
	const page = "http://g/listen/AAAAAAAAAAAAAAAAAAAAAA"
	key := "#" + sealed.Key.Fragment()
	for _, test := range []struct {
		b                    *Broadcast
		live, listen, replay string
	}{
		{sealed, "http://g/live/AAAAAAAAAAAAAAAAAAAAAA", page + key, page + key + "&wave=wave"},
		{plain, "http://g/live/AAAAAAAAAAAAAAAAAAAAAA.opus", page, page + "#wave=wave"},
		{vbr, "http://g/live/AAAAAAAAAAAAAAAAAAAAAA.opus", page, page + "#wave=wave&seek=" + vbr.Seek},
		{long, "http://g/live/AAAAAAAAAAAAAAAAAAAAAA", page + "#" + long.Key.Fragment(), page + "#" + long.Key.Fragment() + "&seek=" + table.Within(link.MaxSeek).String()},
	} {
		if test.b.LiveURL() != test.live || test.b.ListenURL() != test.listen || test.b.ReplayURL() != test.replay {
			t.Errorf("%s\n%s\n%s", test.b.LiveURL(), test.b.ListenURL(), test.b.ReplayURL())
		}
		if n := len(test.b.ReplayURL()); n > 3000 {
			t.Errorf("a link of %d characters", n)
		}
	}
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	s := mustOpen(t, path)
	if _, err := s.db.Exec(`INSERT INTO broadcastbot_version VALUES (98), (99)`); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := Open(t.Context(), path); err == nil {
		t.Error("a database of a newer version was opened")
	}
}
