package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
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

// TestDroppedLeavesNoBytes: a key that a record loses, when its file is complete or the show is being
// deleted, is in no file any more once that is saved.
func TestDroppedLeavesNoBytes(t *testing.T) {
	for name, test := range map[string]struct {
		drop    func(*Show)
		columns []string
	}{
		"the file is complete": {func(show *Show) { show.Stage = Concluding }, []string{"signing"}},
		"being deleted":        {func(show *Show) { show.Stage = Deleting; show.Forget() }, []string{"key", "signing"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := mustOpen(t, filepath.Join(dir, "db"))
			show := example("AAAAAAAAAAAAAAAAAAAAAA")
			show.Stage = Live
			var dropped []string
			for range 3 {
				s.mustSave(t, show)
				for _, column := range test.columns {
					dropped = append(dropped, s.mustStored(t, column, show.ID))
				}
			}
			test.drop(show)
			s.mustSave(t, show)
			files := mustReadAll(t, dir)
			for _, secret := range dropped {
				if bytes.Contains(files, []byte(secret)) {
					t.Errorf("%q is still in the files", secret)
				}
			}
		})
	}
}

// TestDropThatIsNotComplete: while somebody reads the database the key stays in its log. That is said,
// and the next save makes up for it.
func TestDropThatIsNotComplete(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, filepath.Join(dir, "db"))
	show := example("AAAAAAAAAAAAAAAAAAAAAA")
	show.Stage = Live
	s.mustSave(t, show)
	signing := s.mustStored(t, "signing", show.ID)
	endReading := s.mustBeRead(t)
	show.Stage = Concluding
	if err := s.SaveShow(t.Context(), show); !errors.Is(err, errLogInUse) {
		t.Errorf("saved while it was being read: %v", err)
	}
	endReading()
	s.mustSave(t, show)
	if bytes.Contains(mustReadAll(t, dir), []byte(signing)) {
		t.Error("the key is still there after the next save")
	}
}

// TestDropBesideManyReads: a flood of them does not keep a key in the log.
func TestDropBesideManyReads(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	s.db.SetMaxOpenConns(1)
	if _, err := s.db.Exec(`PRAGMA busy_timeout = 1`); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		s.mustSave(t, example(fmt.Sprintf("AAAAAAAAAAAAAAAAAA%04d", i)))
	}
	var readers sync.WaitGroup
	defer readers.Wait()
	done := make(chan struct{})
	defer close(done)
	for range 2 * maxReads {
		readers.Go(func() { s.lookUpUntil(done, Filter{}) })
	}
	show := example("AAAAAAAAAAAAAAAAAAAAAA")
	show.Stage = Live
	s.mustSave(t, show)
	show.Stage = Deleting
	show.Forget()
	s.mustSave(t, show)
}

// mustBeRead begins to read the database, for which nobody waits long, and returns what ends that.
func (s *Store) mustBeRead(t *testing.T) (end func()) {
	t.Helper()
	reader, err := s.db.Query(`SELECT id FROM show`)
	if err != nil || !reader.Next() {
		t.Fatal("no reader:", err)
	}
	s.db.SetMaxOpenConns(2)
	if _, err := s.db.Exec(`PRAGMA busy_timeout = 1`); err != nil { // on the one connection that is left
		t.Fatal(err)
	}
	return func() {
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// mustStoredKey returns the key as it stands in the database.
func (s *Store) mustStoredKey(t *testing.T, track string) string {
	t.Helper()
	return s.mustStored(t, "key", track)
}

// mustStored returns a secret as it stands in the database.
func (s *Store) mustStored(t *testing.T, column, track string) (secret string) {
	t.Helper()
	if err := s.db.QueryRow(`SELECT `+column+` FROM track WHERE id = ?`, track).Scan(&secret); err != nil || secret == "" {
		t.Fatalf("no %s is stored: %v", column, err)
	}
	return secret
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
	endReading := s.mustBeRead(t)
	if err := s.RemoveShow(t.Context(), show.ID); !errors.Is(err, errLogInUse) {
		t.Errorf("removed while it was being read: %v", err)
	}
	if !bytes.Contains(mustReadAll(t, dir), []byte(key)) {
		t.Error("the key is gone already: this test tests nothing")
	}
	endReading()
	mustOpen(t, filepath.Join(dir, "db"))
	if bytes.Contains(mustReadAll(t, dir), []byte(key)) {
		t.Error("the key is still there after the next start")
	}
}
