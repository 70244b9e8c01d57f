package confine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var silent = slog.New(slog.DiscardHandler)

// run runs a script behind walls and returns what it says.
func (w walls) run(t *testing.T, script string, lent ...*os.File) (said string, err error) {
	t.Helper()
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash: ", err)
	}
	cmd := exec.CommandContext(t.Context(), shell, "-c", script)
	for _, file := range lent {
		if _, err := Lend(cmd, file); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	strip(cmd)
	if err := w.start(cmd); err != nil {
		t.Skipf("this system has no such walls as %+v: %v", w, err)
	}
	err = cmd.Wait()
	return strings.TrimSpace(out.String()), err
}

func mustCreate(t *testing.T, content string) *os.File {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	if _, err := file.WriteString(content); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestWalls: each kind of wall alone keeps a child from the network, from our environment and from
// our processes; the rules of Landlock from all files but those lent to it.
func TestWalls(t *testing.T) {
	t.Setenv("BROADCASTBOT_PASSWORD", "correct horse battery staple")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	secret, lent := mustCreate(t, "secret"), mustCreate(t, "lent")
	for _, w := range byStrength[:3] {
		t.Run(fmt.Sprintf("%+v", w), func(t *testing.T) {
			if said, err := w.run(t, "cat /dev/fd/3", lent); said != "lent" || err != nil {
				t.Errorf("it reads %q of the file lent to it: %v", said, err)
			}
			if said, err := w.run(t, "/usr/bin/env"); strings.Contains(said, "horse") || err != nil {
				t.Errorf("its environment is %q: %v", said, err)
			}
			forbidden := map[string]string{
				"the network":     fmt.Sprintf("echo > /dev/tcp/127.0.0.1/%d", port),
				"a name server":   "echo > /dev/udp/127.0.0.1/53",
				"our environment": fmt.Sprintf("cat /proc/%d/environ", os.Getpid()),
				"our process":     fmt.Sprintf("kill -0 %d", os.Getpid()),
			}
			if w.rules {
				forbidden["a file"] = "cat " + secret.Name()
				forbidden["a folder"] = "ls " + filepath.Dir(secret.Name())
				forbidden["a new file"] = "echo > " + secret.Name() + ".new"
				forbidden["the file lent to it"] = "echo > /dev/fd/3"
			}
			for what, script := range forbidden {
				if said, err := w.run(t, script, lent); err == nil {
					t.Errorf("it gets at %s: %q", what, said)
				}
			}
		})
	}
}

// TestThreadsStayFree: who starts a child does not lose anything.
func TestThreadsStayFree(t *testing.T) {
	for range 20 {
		cmd := exec.Command("/bin/true")
		if err := Start(cmd, silent); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		mustCreate(t, "ours")
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listener.Close()
	}
	for start := time.Now(); restrictedThreads(t) > 0; time.Sleep(time.Millisecond) { // they are about to end
		if time.Since(start) > 10*time.Second {
			t.Fatal("a thread of ours is restricted")
		}
	}
}

func restrictedThreads(t *testing.T) (n int) {
	t.Helper()
	threads, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range threads {
		if status, err := os.ReadFile(path); err == nil && !bytes.Contains(status, []byte("NoNewPrivs:\t0")) {
			n++
		}
	}
	return n
}

// TestLimits: a child that needs too much is ended, or refused.
func TestLimits(t *testing.T) {
	cmd := exec.Command("/bin/cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = io.Discard
	if err := Start(cmd, silent, "/dev/null"); err != nil {
		t.Fatal(err)
	}
	for resource, want := range limits {
		var got unix.Rlimit
		if err := unix.Prlimit(cmd.Process.Pid, resource, nil, &got); err != nil || got.Max != want || got.Cur != want {
			t.Errorf("resource %d is limited to %+v, want %d (%v)", resource, got, want, err)
		}
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestStartFallsBack: a program that cannot work behind any wall works without, and what cannot be
// started at all is an error.
func TestStartFallsBack(t *testing.T) {
	if err := Start(exec.Command("/nowhere/ffmpeg"), silent, "-version"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a program that is not there: %v", err)
	}
	cmd := exec.Command("/bin/sleep", "0")
	start := time.Now()
	if err := Start(cmd, silent, "not a time"); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || time.Since(start) > known.limit {
		t.Error(err)
	}
}
