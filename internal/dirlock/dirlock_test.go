package dirlock

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gofrs/flock"
)

func mustAcquire(t *testing.T, dir string) *Lock {
	t.Helper()
	l, err := Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestSecondIsRefused: by any name of the folder, and until the lock is released.
func TestSecondIsRefused(t *testing.T) {
	dir := t.TempDir()
	alias := filepath.Join(t.TempDir(), "alias")
	if err := os.Symlink(dir, alias); err != nil {
		t.Fatal(err)
	}
	first := mustAcquire(t, dir)
	for _, name := range []string{dir, dir + "/.", alias} {
		_, err := Acquire(name)
		if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), fmt.Sprintf("process %d on ", os.Getpid())) {
			t.Errorf("%s: %v, want one that names process %d", name, err, os.Getpid())
		}
	}
	other := mustAcquire(t, t.TempDir())
	if err := errors.Join(first.Release(), other.Release()); err != nil {
		t.Fatal(err)
	}
	if err := mustAcquire(t, alias).Release(); err != nil {
		t.Error(err)
	}
}

// TestFilesAreRemoved: whoever removes the lock's files lets nobody in, and afterwards all is as before.
func TestFilesAreRemoved(t *testing.T) {
	dir := t.TempDir()
	first := mustAcquire(t, dir)
	for _, name := range []string{lockName, ownerName} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the first one may leave a file behind
		if second, err := Acquire(dir); !errors.Is(err, ErrInUse) {
			t.Fatalf("a second one has the folder: %v, %v", second, err)
		}
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	if err := mustAcquire(t, dir).Release(); err != nil {
		t.Error(err)
	}
}

// TestLockOfEarlierProgram: a process that locks nothing but the file has the folder, too.
func TestLockOfEarlierProgram(t *testing.T) {
	dir := t.TempDir()
	earlier := flock.New(filepath.Join(dir, lockName))
	if locked, err := earlier.TryLock(); err != nil || !locked {
		t.Fatal("not locked:", err)
	}
	if _, err := Acquire(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("%v, want ErrInUse", err)
	}
	if err := earlier.Close(); err != nil {
		t.Fatal(err)
	}
	if err := mustAcquire(t, dir).Release(); err != nil {
		t.Error(err)
	}
}

func TestFolderThatIsMissing(t *testing.T) {
	if _, err := Acquire(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
