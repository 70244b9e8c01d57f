package confine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// trials find out which walls programs work behind.
type trials struct {
	limit time.Duration // how long one may take

	mu    sync.Mutex
	found map[string]walls  // by program
	told  map[string]string // what the log has about a program
}

var known = trials{limit: 10 * time.Second, found: make(map[string]walls), told: make(map[string]string)}

// strongest returns the strongest walls behind which a program works. It tries once, and again where
// stronger ones may only have failed because the machine was busy: that may be over next time.
func (t *trials) strongest(program string, trial []string, log *slog.Logger) walls {
	t.mu.Lock()
	defer t.mu.Unlock()
	if w, tried := t.found[program]; tried {
		return w
	}
	var failures []error
	mayPass := false
	for _, w := range byStrength {
		err := w.try(program, trial, t.limit)
		if err == nil {
			if !mayPass {
				t.found[program] = w
			}
			t.tell(log, program, w, failures)
			return w
		}
		mayPass = mayPass || isPassing(err)
		failures = append(failures, fmt.Errorf("behind %+v: %w", w, err))
	}
	t.tell(log, program, walls{}, failures)
	return walls{}
}

// tell says which walls a program goes without, or which have holes on this system, once for each reason.
func (t *trials) tell(log *slog.Logger, program string, w walls, failures []error) {
	why := errors.Join(append(failures, holes(hasLandlock(), knowsCalls())...)...)
	if why == nil || t.told[program] == why.Error() {
		return
	}
	t.told[program] = why.Error()
	log.Warn("a program runs less confined than it could be", "program", program, "missing", w.missing(), "err", why)
}

// missing names the walls that are not there.
func (w walls) missing() (names []string) {
	if !w.namespaces {
		names = append(names, "namespaces")
	}
	if !w.rules {
		names = append(names, "rules for files and calls")
	}
	return names
}

// holes are what the rules leave open where the system cannot check them.
func holes(hasLandlock, knowsCalls bool) (all []error) {
	if !hasLandlock {
		all = append(all, errors.New("this system has no Landlock, so the program can read what its user can"))
	}
	if !knowsCalls {
		all = append(all, errors.New("the system calls of this processor are not known here, so the program can make sockets"))
	}
	return all
}

func (w walls) try(program string, trial []string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, trial...)
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard // pipes, which need no right to write
	cmd.WaitDelay = limit                           // for what the program has started and left behind
	strip(cmd)
	err := w.start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err() // and not that it was killed for that
	}
	return err
}

// isPassing reports whether a trial may have failed for want of time, memory, processes, files or
// namespaces: that says nothing about the walls.
func isPassing(err error) bool {
	for _, reason := range []error{
		context.DeadlineExceeded, unix.EAGAIN, unix.ENOMEM, unix.EMFILE, unix.ENFILE, unix.ENOSPC, unix.EUSERS,
	} {
		if errors.Is(err, reason) {
			return true
		}
	}
	var ended *exec.ExitError
	if !errors.As(err, &ended) {
		return false
	}
	status, ok := ended.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == unix.SIGKILL // as who runs out of memory is
}
