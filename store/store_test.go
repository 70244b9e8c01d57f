package store

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

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
		Size: 123, Blocks: 1 << 32, SHA256: "hash", Seek: "table",
	}
}

func TestBroadcastSurvivesReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot db?mode=memory#.sqlite") // SQLite reads such names as URIs
	s := mustOpen(t, path)
	want := example()
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
