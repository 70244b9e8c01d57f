package confine

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func newTrials(limit time.Duration) *trials {
	return &trials{limit: limit, found: make(map[string]walls), told: make(map[string]string)}
}

func mustFindShell(t *testing.T) string {
	t.Helper()
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash: ", err)
	}
	return shell
}

// TestBusyMachine: a trial that takes too long says nothing about the next one, and the log tells of it
// once.
func TestBusyMachine(t *testing.T) {
	shell := mustFindShell(t)
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	tried := newTrials(100 * time.Millisecond)
	for range 2 {
		if w := tried.strongest(shell, []string{"-c", "exec sleep 60"}, log); w != (walls{}) {
			t.Errorf("a program that never ends works behind %+v", w)
		}
	}
	if text := said.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "deadline exceeded") ||
		!strings.Contains(text, "namespaces") || !strings.Contains(text, "rules") {
		t.Errorf("the log says %q", text)
	}
	tried.limit = 10 * time.Second
	want := newTrials(tried.limit).strongest(shell, []string{"-c", ":"}, log)
	if w := tried.strongest(shell, []string{"-c", ":"}, log); w != want {
		t.Errorf("then it is behind %+v, not %+v", w, want)
	}
}

// TestWeakerWalls: what cannot work behind some walls is not tried again, and the log says once which
// are missing.
func TestWeakerWalls(t *testing.T) {
	shell, secret := mustFindShell(t), mustCreate(t, "secret")
	if err := os.Chmod(secret.Name(), 0o644); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	if (walls{rules: true}).try(shell, []string{"-c", ":"}, 10*time.Second) != nil {
		t.Skip("this system has no rules")
	}
	tried := newTrials(10 * time.Second)
	for range 2 {
		if w := tried.strongest(shell, []string{"-c", "read < " + secret.Name() + " || [ $REPLY ]"}, log); w.rules {
			t.Errorf("it reads what it may not, behind %+v", w)
		}
	}
	if w, kept := tried.found[shell]; !kept || w.rules {
		t.Errorf("what was found is not kept: %+v, %v", w, kept)
	}
	if text := said.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "rules for files and calls") ||
		!strings.Contains(text, "exit status 1") {
		t.Errorf("the log says %q", text)
	}
}

// TestHoles: what this system cannot check is in the log, too, although the program has all walls.
func TestHoles(t *testing.T) {
	if all := holes(true, true); all != nil {
		t.Errorf("%v where there are none", all)
	}
	for _, lacks := range [][2]bool{{false, true}, {true, false}} {
		if all := holes(lacks[0], lacks[1]); len(all) != 1 {
			t.Errorf("%v: %v", lacks, all)
		}
	}
}

func TestPassingFailures(t *testing.T) {
	killed := exec.Command("/bin/sleep", "60")
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	killed.Process.Kill()
	for _, test := range []struct {
		err  error
		want bool
	}{
		{fmt.Errorf("restrict files: %w", unix.ENOMEM), true},
		{&os.PathError{Op: "fork/exec", Path: "ffmpeg", Err: unix.EAGAIN}, true},
		{context.DeadlineExceeded, true},
		{killed.Wait(), true},
		{unix.EPERM, false},
		{unix.ENOSYS, false},
		{exec.Command("/bin/false").Run(), false},
	} {
		if got := isPassing(test.err); got != test.want {
			t.Errorf("%v passes: %v", test.err, got)
		}
	}
}
