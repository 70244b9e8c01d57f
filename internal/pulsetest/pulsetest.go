// Package pulsetest runs a PulseAudio server of its own for a test, with microphones
// that say what the test writes into them.
package pulsetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startPatience is how long a server may take to answer.
const startPatience = 10 * time.Second

// idleTime, in seconds, makes a server end by itself when a test crashed and could not
// end it.
const idleTime = "--exit-idle-time=60"

// Server is a private PulseAudio server. The test's environment (PULSE_SERVER) points
// to it until the test ends.
type Server struct {
	dir    string
	cmd    *exec.Cmd
	exited chan struct{}
	words  bytes.Buffer // what the server wrote; read only after exited is closed
	end    sync.Once
}

// Start starts a server in a temporary directory and waits until it answers. The test
// is skipped when PulseAudio is not installed; it must not be parallel.
func Start(t testing.TB) *Server {
	t.Helper()
	for _, program := range []string{"pulseaudio", "pactl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed: apt-get install pulseaudio pulseaudio-utils", program)
		}
	}
	dir, err := os.MkdirTemp("", "pulse") // t.TempDir is too long for the name of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &Server{dir: dir}
	s.start(t)
	t.Cleanup(s.Kill)
	t.Setenv("PULSE_SERVER", "unix:"+s.socket())
	t.Setenv("PULSE_COOKIE", filepath.Join(dir, "cookie"))
	s.awaitAnswer(t)
	return s
}

func (s *Server) socket() string { return filepath.Join(s.dir, "native") }

func (s *Server) start(t testing.TB) {
	t.Helper()
	runtime := filepath.Join(s.dir, "run")
	if err := os.MkdirAll(filepath.Join(runtime, "pulse"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.exited = make(chan struct{})
	s.cmd = exec.Command("pulseaudio", "-n", "--daemonize=no", idleTime, "--use-pid-file=no",
		"--log-target=stderr", "--log-level=error",
		"--load=module-native-protocol-unix auth-anonymous=1 socket="+s.socket())
	s.cmd.Env = append(os.Environ(), "HOME="+s.dir, "XDG_RUNTIME_DIR="+runtime,
		"PULSE_RUNTIME_PATH="+filepath.Join(runtime, "pulse"))
	s.cmd.Stdout, s.cmd.Stderr = &s.words, &s.words
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("start pulseaudio: %v", err)
	}
	go func() {
		s.cmd.Wait()
		close(s.exited)
	}()
}

func (s *Server) awaitAnswer(t testing.TB) {
	t.Helper()
	deadline := time.Now().Add(startPatience)
	for {
		_, err := s.pactl("info")
		if err == nil {
			return
		}
		select {
		case <-s.exited:
			t.Fatalf("pulseaudio ended: %s", s.words.Bytes())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("pulseaudio does not answer: %v", err)
		}
	}
}

// pactl runs a command of the server and returns what it says.
func (s *Server) pactl(arguments ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "pactl", arguments...)
	cmd.Env = append(os.Environ(), "PULSE_SERVER=unix:"+s.socket())
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("pactl %v: %w: %s", arguments, err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// Kill ends the server at once, as a crash would, and waits for its end.
func (s *Server) Kill() {
	s.end.Do(func() {
		if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			panic(err)
		}
	})
	<-s.exited
}

// Freeze makes the server hang: it answers nobody until it is killed.
func (s *Server) Freeze(t testing.TB) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatalf("freeze pulseaudio: %v", err)
	}
}

// Restart starts a killed server again, without its microphones.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.end = sync.Once{}
	s.words.Reset()
	leftovers, _ := filepath.Glob(filepath.Join(s.dir, "*.fifo"))
	for _, path := range append(leftovers, s.socket()) {
		os.Remove(path)
	}
	s.start(t)
	s.awaitAnswer(t)
}
