package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"broadcastbot/capture"
	"broadcastbot/internal/ingest/icecast"
	"broadcastbot/store"
)

// mount is one that stays its speaker's, and whose every password is right.
type mount struct{}

func (mount) Authorize(context.Context, string, string) (store.Mount, error) {
	return store.Mount{ID: "abc"}, nil
}

func (mount) Mount(context.Context, string, string) (store.Mount, error) {
	return store.Mount{ID: "abc"}, nil
}

// packets counts those of the shows that are started for programs.
type packets struct {
	kinds capture.Kinds
	n     chan int
}

func (p *packets) StartFor(ctx context.Context, _ capture.Asker, spec, _ string) (store.Show, error) {
	source, err := p.kinds.Open(context.WithoutCancel(ctx), spec, capture.Options{})
	if err != nil {
		return store.Show{}, err
	}
	go func() {
		defer source.Close()
		n := 0
		for ; !errors.Is(err, io.EOF); n++ {
			_, err = source.ReadPacket(context.Background())
		}
		p.n <- n - 1
	}()
	return store.Show{}, nil
}

// TestProgramsBehindNginx pushes through the web server of the README: what is sent in chunks arrives
// while it comes, and of a program that sends no length nginx passes no sound on, which is said to it.
func TestProgramsBehindNginx(t *testing.T) {
	started := &packets{n: make(chan int, 1)}
	server := icecast.New(icecast.Options{Mounts: mount{}, Stage: started, Auto: true})
	started.kinds = capture.Kinds{server.Kind()}
	t.Cleanup(func() { server.Close() })
	front := httptest.NewServer(server.Handler())
	t.Cleanup(front.Close)
	dir := t.TempDir()
	startNginx(t, dir, strings.ReplaceAll(readmeNginx(t), "http://127.0.0.1:8008", front.URL))

	stream := filepath.Join(dir, "tone.opus")
	mustRunProgram(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=3:r=48000", "-c:a", "libopus", stream)
	said := mustRunProgram(t, "curl", "-sS", "--fail", "--unix-socket", filepath.Join(dir, "socket"), "-u", "source:x",
		"-T", "-", "-H", "Content-Type: audio/ogg", "http://radio.example.org/icecast/abc", "stdin="+stream)
	if n := <-started.n; n != 151 || said != "OK\n" { // the encoder's delay needs a packet more
		t.Errorf("%d packets were on air, want 151; curl says %q", n, said)
	}
	conn, err := net.Dial("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "PUT /icecast/abc HTTP/1.1\r\nHost: radio.example.org\r\nAuthorization: Basic c291cmNlOng=\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(answer), "HTTP/1.1 411 ") {
		t.Errorf("without a length: %q, %v", answer, err)
	}
}

// mustRunProgram returns what a program writes. A last word of stdin=FILE is its input.
func mustRunProgram(t *testing.T, program string, words ...string) string {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("needs %s; get it with: apt-get install %s", program, program)
	}
	last := len(words) - 1
	file, found := strings.CutPrefix(words[last], "stdin=")
	if found {
		words = words[:last]
	}
	cmd := exec.CommandContext(t.Context(), program, words...)
	if found {
		cmd = exec.CommandContext(t.Context(), "sh", append([]string{"-c", `exec "$@" < "$0"`, file, program}, words...)...)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", program, err, out)
	}
	return string(out)
}
