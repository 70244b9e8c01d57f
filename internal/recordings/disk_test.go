package recordings

import (
	"os"
	"path/filepath"
	"testing"
)

// TestRestartAfterACrash begins with what a crash can leave.
func TestRestartAfterACrash(t *testing.T) {
	dir := t.TempDir()
	write := func(id, ext, text string) string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, id+ext), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return id
	}
	removed := write(newID(), goneFile, "")
	write(removed, partFile, "half removed")
	write(removed, lengthFile, "12")
	removedWhole := write(newID(), goneFile, "")
	write(removedWhole, doneFile, "half removed")
	whole := write(newID(), partFile, "all was there")
	write(whole, lengthFile, "13")
	renamed := write(newID(), doneFile, "renamed")
	write(renamed, lengthFile, "7")
	torn := write(newID(), partFile, "some")
	write(torn, lengthFile, "")
	write(torn, newFile, "4")
	write("notes", ".txt", "not ours")
	write("notes", ".part", "not ours")

	c := mustOpenCatalogue(t, Disk(dir))
	for _, id := range []string{removed, removedWhole} {
		mustNotAcquire(t, c, id, ErrRemoved)
		mustBeFile(t, dir, id, goneFile)
	}
	mustHold(t, c, whole, "all was there", true)
	mustBeFile(t, dir, whole, doneFile)
	mustHold(t, c, renamed, "renamed", true)
	mustBeFile(t, dir, renamed, doneFile)
	mustHold(t, c, torn, "some", false)
	rec := mustAcquire(t, c, torn)
	defer rec.Release()
	if rec.Length() != UnknownLength {
		t.Errorf("length %d, want none", rec.Length())
	}
	a := rec.LockAppend()
	defer a.Unlock()
	if err := a.Finish(); err != nil {
		t.Error(err)
	}
	mustBeFile(t, dir, torn, doneFile)
	if growing := c.Stats().Growing; growing != 0 {
		t.Errorf("%d uploads go on, want none", growing)
	}
}

// mustBeFile checks that a recording's only file has the extension.
func mustBeFile(t testing.TB, dir, id, ext string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, id+"*"))
	if err != nil || len(files) != 1 || filepath.Ext(files[0]) != ext {
		t.Errorf("files %v (%v), want %s", files, err, ext)
	}
}

func TestDiskRefusesAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := Open(Disk(file)); err == nil {
		t.Errorf("a file is taken for a directory: %v", c)
	}
}
