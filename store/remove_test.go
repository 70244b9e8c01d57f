package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRemovedIsForgotten: no row of a show stays, in no table.
func TestRemovedIsForgotten(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	s.mustSave(t, example("AAAAAAAAAAAAAAAAAAAAAA"))
	for range 2 { // it can be repeated
		if err := s.RemoveShow(t.Context(), "AAAAAAAAAAAAAAAAAAAAAA"); err != nil {
			t.Fatal(err)
		}
	}
	for _, table := range []string{"show", "track", "announcement", "step"} {
		var rows int
		if err := s.db.QueryRow("SELECT COUNT(*) FROM " + table).Scan(&rows); err != nil || rows > 0 {
			t.Errorf("%d rows stay in %s (%v)", rows, table, err)
		}
	}
}

// TestRemovedLeavesNoBytes: of shows that were saved again and again, in between others, nothing
// that they had to themselves is left in any file once they are removed. The others keep theirs.
func TestRemovedLeavesNoBytes(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, filepath.Join(dir, "db"))
	const shows = 40
	keys := make([]string, shows)
	for round := range 5 {
		for i := range shows {
			show := example(fmt.Sprintf("AAAAAAAAAAAAAAAAAA%04d", i))
			show.Title = fmt.Sprintf("title-%04d", i)
			show.Main().Wave = strings.Repeat("w", 100+(i*37+round*419)%1900) // the pages have to move
			s.mustSave(t, show)
			keys[i] = s.mustStoredKey(t, show.ID)
		}
	}
	for i := 0; i < shows; i += 2 {
		if err := s.RemoveShow(t.Context(), fmt.Sprintf("AAAAAAAAAAAAAAAAAA%04d", i)); err != nil {
			t.Fatal(err)
		}
	}
	bytesOf := mustReadAll(t, dir)
	for i, key := range keys {
		removed := i%2 == 0
		for _, trace := range []string{key, fmt.Sprintf("title-%04d", i)} {
			if left := bytes.Contains(bytesOf, []byte(trace)); left == removed {
				t.Errorf("show %d, removed: %v; %q is in the files: %v", i, removed, trace, left)
			}
		}
	}
}

// mustStoredKey returns the key as it stands in the database.
func (s *Store) mustStoredKey(t *testing.T, track string) (key string) {
	t.Helper()
	if err := s.db.QueryRow(`SELECT key FROM track WHERE id = ?`, track).Scan(&key); err != nil || key == "" {
		t.Fatal("no key is stored:", err)
	}
	return key
}

// mustReadAll returns the bytes of all files in a folder.
func mustReadAll(t *testing.T, dir string) (all []byte) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return all
}

// TestRemovalThatIsNotComplete: who still reads the database keeps the log from being emptied. That
// is said, and is made up for by the next removal, or at the next start.
func TestRemovalThatIsNotComplete(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, filepath.Join(dir, "db"))
	show := example("AAAAAAAAAAAAAAAAAAAAAA")
	s.mustSave(t, show)
	key := s.mustStoredKey(t, show.ID)
	reader, err := s.db.Query(`SELECT id FROM show`)
	if err != nil || !reader.Next() {
		t.Fatal("no reader:", err)
	}
	s.db.SetMaxOpenConns(2)
	if _, err := s.db.Exec(`PRAGMA busy_timeout = 1`); err != nil { // on the one connection that is left
		t.Fatal(err)
	}
	if err := s.RemoveShow(t.Context(), show.ID); !errors.Is(err, errLogInUse) {
		t.Errorf("removed while it was being read: %v", err)
	}
	if !bytes.Contains(mustReadAll(t, dir), []byte(key)) {
		t.Error("the key is gone already: this test tests nothing")
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, filepath.Join(dir, "db"))
	if bytes.Contains(mustReadAll(t, dir), []byte(key)) {
		t.Error("the key is still there after the next start")
	}
}
