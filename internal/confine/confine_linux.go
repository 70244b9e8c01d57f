package confine

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// niceness is how much a child gives way to the rest of the machine.
const niceness = 10

// limits are what a child that decodes sound needs many times less of.
var limits = map[int]uint64{
	unix.RLIMIT_AS:     1 << 30, // bytes; ffmpeg with its libraries has 0.3 GB
	unix.RLIMIT_CPU:    1800,    // seconds; a day of sound takes some minutes
	unix.RLIMIT_NOFILE: 64,
	unix.RLIMIT_FSIZE:  0,
	unix.RLIMIT_CORE:   0,
}

// Lend gives a child a file to read and returns the name that it has there. It is this very file,
// whatever may be at its path by now.
func Lend(cmd *exec.Cmd, file *os.File) (name string, err error) {
	cmd.ExtraFiles = append(cmd.ExtraFiles, file)
	return fmt.Sprintf("/dev/fd/%d", 2+len(cmd.ExtraFiles)), nil
}

// Start starts cmd, confined as strongly as its program can stand: trial are arguments with which it
// does nothing and succeeds. A system may let us have only some of the walls, and behind others a
// program may not find its libraries; the log says which are missing.
func Start(cmd *exec.Cmd, log *slog.Logger, trial ...string) error {
	strip(cmd)
	if err := known.strongest(cmd.Path, trial, log).start(cmd); err != nil {
		return err
	}
	if err := limit(cmd.Process); err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		return err
	}
	return nil
}

// walls are what stands between a child and the machine, besides the limits.
type walls struct{ namespaces, rules bool }

// byStrength has all walls, the strongest first.
var byStrength = []walls{{namespaces: true, rules: true}, {rules: true}, {namespaces: true}, {}}

// start starts a child from a thread that has given up what the child shall not have, because children
// inherit that.
func (w walls) start(cmd *exec.Cmd) error {
	if w.namespaces {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWIPC,
		}
	}
	return onOwnThread(func() error {
		if err := w.restrictThread(cmd); err != nil {
			return err
		}
		return cmd.Start()
	})
}

// onOwnThread runs f on a thread that runs nothing else and ends with it, as a thread does to which a
// goroutine is locked at its end. The main thread would only fall asleep: another one is taken.
func onOwnThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			defer runtime.UnlockOSThread()
			done <- onOwnThread(f)
			return
		}
		done <- f()
	}()
	return <-done
}

func (w walls) restrictThread(cmd *exec.Cmd) error {
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, niceness); err != nil {
		return fmt.Errorf("give way to others: %w", err)
	}
	if !w.rules {
		return nil
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("renounce new privileges: %w", err)
	}
	if err := restrictFiles(cmd); err != nil {
		return fmt.Errorf("restrict files: %w", err)
	}
	return restrictCalls()
}

// limit holds a running child to the limits.
func limit(child *os.Process) error {
	for resource, most := range limits {
		if err := unix.Prlimit(child.Pid, resource, &unix.Rlimit{Cur: most, Max: most}, nil); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("limit the child: %w", err)
		}
	}
	return nil
}
