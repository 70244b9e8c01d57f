// Package dirlock keeps a second process out of a folder that is one process's alone.
package dirlock

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/gofrs/flock"
)

// The files of the lock. They stay when it is released.
const (
	lockName  = "broadcastbot.lock"
	ownerName = "broadcastbot.pid" // who has the lock; on some systems nobody else can read the locked file itself
)

// ErrInUse is wrapped by the error of Acquire while another process has the folder.
var ErrInUse = errors.New("another broadcastbot works there")

// Lock is a folder that nobody else can lock. The folder itself is locked, because a file in it can be
// removed, as by whoever copies a backup over it, and made again by a second process, which would lock
// another file of that name. The file is locked, too: some network filesystems lock nothing else.
type Lock struct{ folder, file *flock.Flock }

// Acquire locks a folder, without waiting. The operating system releases the lock when the process
// ends, however it ends: a lock is never left behind.
func Acquire(dir string) (*Lock, error) {
	l := &Lock{folder: flock.New(dir, flock.SetFlag(os.O_RDONLY)), file: flock.New(filepath.Join(dir, lockName))}
	locked, err := l.try()
	if err == nil && locked {
		err = writeOwner(dir)
	}
	switch {
	case err != nil:
		return nil, errors.Join(fmt.Errorf("lock the folder %s: %w", dir, err), l.Release())
	case !locked:
		return nil, errors.Join(fmt.Errorf("the folder %s is in use: %w (%s)", dir, ErrInUse, owner(dir)), l.Release())
	}
	return l, nil
}

// try locks both, or else may have locked one.
func (l *Lock) try() (locked bool, err error) {
	locked, err = l.folder.TryLock()
	if isUnlockable(err) {
		locked, err = true, nil
	}
	if err != nil || !locked {
		return false, err
	}
	return l.file.TryLock()
}

// isUnlockable reports whether the filesystem has no locks of folders. NFS wants what is locked to be
// open for writing, which no folder can be.
func isUnlockable(err error) bool {
	return errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.EBADF) || errors.Is(err, errors.ErrUnsupported)
}

// Release lets others have the folder.
func (l *Lock) Release() error { return errors.Join(l.file.Close(), l.folder.Close()) }

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
