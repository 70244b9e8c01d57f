// Package dirlock keeps a second process out of a folder that is one process's alone.
package dirlock

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// The files of the lock. They stay when it is released: whoever removed them could let two
// processes lock two files of one name.
const (
	lockName  = "broadcastbot.lock"
	ownerName = "broadcastbot.pid" // who has the lock; on some systems nobody else can read the locked file itself
)

// ErrInUse is wrapped by the error of Acquire while another process has the folder.
var ErrInUse = errors.New("another broadcastbot works there")

// Lock is a folder that nobody else can lock.
type Lock struct{ file *flock.Flock }

// Acquire locks a folder, without waiting. The operating system releases the lock when the process
// ends, however it ends: a lock is never left behind.
func Acquire(dir string) (*Lock, error) {
	l := &Lock{file: flock.New(filepath.Join(dir, lockName))}
	locked, err := l.file.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the folder %s: %w", dir, err)
	}
	if !locked {
		return nil, fmt.Errorf("the folder %s is in use: %w (%s)", dir, ErrInUse, owner(dir))
	}
	if err := writeOwner(dir); err != nil {
		return nil, errors.Join(fmt.Errorf("lock the folder %s: %w", dir, err), l.Release())
	}
	return l, nil
}

// Release lets others have the folder.
func (l *Lock) Release() error { return l.file.Close() }

// writeOwner notes who has the lock: a process id means something on one machine, or in one
// container, only.
func writeOwner(dir string) error {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	return os.WriteFile(filepath.Join(dir, ownerName), fmt.Appendf(nil, "%d on %s\n", os.Getpid(), host), 0o600)
}

// owner names the process that has the lock.
func owner(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, ownerName))
	if err != nil || len(text) == 0 {
		return "it has not said yet which process it is"
	}
	return "process " + strings.TrimSpace(string(text))
}
