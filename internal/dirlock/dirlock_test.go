package dirlock

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
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

func TestFolderThatIsMissing(t *testing.T) {
	if _, err := Acquire(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
