//go:build unix

package dendrite

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("DENDRITE_TEST_PARENT"); dir != "" {
		beParent(dir)
	}
	os.Exit(m.Run())
}

func TestServer(t *testing.T) {
	t.Parallel()
	s := Run(t)
	ctx := t.Context()
	if err := s.Register(ctx, "alice", "correct horse"); err != nil {
		t.Fatal(err)
	}
	if err := s.Register(ctx, "alice", "battery staple"); !errors.Is(err, mautrix.MUserInUse) {
		t.Errorf("second registration: %v, want M_USER_IN_USE", err)
	}
	alice := mustLogin(t, s, "alice", "correct horse")
	if want := id.NewUserID("alice", s.ServerName()); alice.UserID != want {
		t.Errorf("user id %s, want %s", alice.UserID, want)
	}
}

func TestMaxUpload(t *testing.T) {
	t.Parallel()
	s := RunWith(t, Options{MaxUpload: 1000})
	if err := s.Register(t.Context(), "alice", "correct horse"); err != nil {
		t.Fatal(err)
	}
	config, err := mustLogin(t, s, "alice", "correct horse").GetMediaConfig(t.Context())
	if err != nil || config.UploadSize != 1000 {
		t.Errorf("m.upload.size %d (%v), want 1000", config.UploadSize, err)
	}
}

func TestStopKeepsData(t *testing.T) {
	t.Parallel()
	s := Run(t)
	if err := s.Register(t.Context(), "alice", "correct horse"); err != nil {
		t.Fatal(err)
	}
	dir := s.process.cmd.Dir
	s.Stop()
	s.Stop() // the second time there is nothing to do
	if s.answers(t.Context()) {
		t.Error("a stopped server answers")
	}
	again, err := Start(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(again.Stop)
	mustLogin(t, again, "alice", "correct horse")
}

// TestDiesWithParent kills a process that runs a server and looks for the child.
func TestDiesWithParent(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Skip("no /proc here, and no way to end with a killed parent")
	}
	Run(t).Stop() // built here, or skipped
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "DENDRITE_TEST_PARENT="+t.TempDir())
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{url: strings.TrimSpace(url)}
	if !s.answers(t.Context()) {
		t.Fatalf("no server at %s before its parent dies", s.url)
	}
	parent.Process.Signal(syscall.SIGKILL)
	parent.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), stopTimeout)
	defer cancel()
	for s.answers(ctx) {
		time.Sleep(20 * time.Millisecond)
	}
	if ctx.Err() != nil {
		t.Error("the server outlived its parent")
	}
}

// beParent is the process that TestDiesWithParent kills.
func beParent(dir string) {
	s, err := Start(context.Background(), Options{Dir: dir, Log: os.Stderr})
	if err != nil {
		panic(err)
	}
	os.Stdout.WriteString(s.URL() + "\n")
	select {}
}

// TestErrBuild: a machine that cannot build Dendrite is no reason to fail,
// except where somebody relies on all tests.
func TestErrBuild(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Setenv("PATH", "")
	if _, err := Start(t.Context(), Options{Dir: t.TempDir()}); !errors.Is(err, ErrBuild) {
		t.Fatalf("error %v, want ErrBuild", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Build(ctx, io.Discard); err == nil || errors.Is(err, ErrBuild) {
		t.Errorf("error %v of a build that was called off", err)
	}
	for _, test := range []struct{ ci, want string }{{"", "skipped"}, {"true", "fatal"}} {
		t.Setenv("CI", test.ci)
		v := &verdict{TB: t}
		var running sync.WaitGroup
		running.Go(func() { Run(v) })
		running.Wait()
		if v.text != test.want {
			t.Errorf("with CI=%q a test is %q, want %q", test.ci, v.text, test.want)
		}
	}
}

// verdict is a test that only notes how it would have ended.
type verdict struct {
	testing.TB
	text string
}

func (v *verdict) Skipf(string, ...any)  { v.text = "skipped"; runtime.Goexit() }
func (v *verdict) Fatalf(string, ...any) { v.text = "fatal"; runtime.Goexit() }

func TestLockIsExclusive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := lock(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("second lock: %v, want to wait until the deadline", err)
	}
	unlock()
	unlock, err = lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

func mustLogin(t *testing.T, s *Server, user, password string) *mautrix.Client {
	t.Helper()
	client, err := mautrix.NewClient(s.URL(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Login(t.Context(), &mautrix.ReqLogin{
		Type:             mautrix.AuthTypePassword,
		Identifier:       mautrix.UserIdentifier{Type: mautrix.IdentifierTypeUser, User: user},
		Password:         password,
		StoreCredentials: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}
