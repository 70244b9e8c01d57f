package capture

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"broadcastbot/internal/testhelp"
)

// TestFFmpegIsConfined looks at a child that decodes.
func TestFFmpegIsConfined(t *testing.T) {
	testhelp.CheckGoroutines(t)
	t.Setenv("BROADCASTBOT_PASSWORD", "correct horse battery staple")
	dir := t.TempDir()
	mustRun(t, dir, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=600", "a.mp3")
	source := mustOpen(t, "file:"+filepath.Join(dir, "a.mp3"), Options{Encoder: clean(1), FullSpeed: true})
	mustRead(t, source)
	proc := mustBeConfined(t, source.(*paced).Source.(*detached).Source.(*encoded).pcm.(*ffmpeg))
	if arguments := mustReadFile(t, proc+"cmdline"); bytes.Contains(arguments, []byte(dir)) {
		t.Errorf("its command line tells where the file is: %q", arguments)
	}
}

// TestFFmpegOfAStreamIsConfined: it gets what was downloaded, and no line to where that came from.
func TestFFmpegOfAStreamIsConfined(t *testing.T) {
	testhelp.CheckGoroutines(t)
	t.Setenv("BROADCASTBOT_PASSWORD", "correct horse battery staple")
	dir := t.TempDir()
	mustRun(t, dir, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=120", "a.mp3")
	sound := mustReadFile(t, filepath.Join(dir, "a.mp3"))
	connect := func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(sound)), nil }
	source, err := OpenStream(t.Context(), Stream{Name: "x", Connect: connect, Grace: time.Minute}, Options{Encoder: clean(1), FullSpeed: true})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	mustRead(t, source)
	encoder := source.(*relayed).Source.(*paced).Source.(*detached).Source.(*encoded)
	mustBeConfined(t, encoder.pcm.(*sequence).current.(*connection).pcm.(*pipedFFmpeg).ffmpeg)
}

// mustBeConfined returns where the system tells about the child.
func mustBeConfined(t *testing.T, f *ffmpeg) (proc string) {
	t.Helper()
	proc = fmt.Sprintf("/proc/%d/", f.cmd.Process.Pid)
	if environment := mustReadFile(t, proc+"environ"); len(environment) > 0 {
		t.Errorf("its environment is %q", environment)
	}
	for _, want := range []string{`Max cpu time +1800 `, `Max file size +0 `, `Max address space +1073741824 `, `Max open files +64 `} {
		if limits := mustReadFile(t, proc+"limits"); !regexp.MustCompile(want).Match(limits) {
			t.Errorf("%q is not among its limits:\n%s", want, limits)
		}
	}
	// The 19th field is the niceness; the second one, the name, has no space.
	if stat := bytes.Fields(mustReadFile(t, proc+"stat")); string(stat[18]) != "10" {
		t.Errorf("its niceness is %s", stat[18])
	}
	ours, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	status := mustReadFile(t, proc+"status")
	if theirs, err := os.Readlink(proc + "ns/net"); theirs == ours && err == nil && !bytes.Contains(status, []byte("\nSeccomp:\t2\n")) {
		t.Errorf("it has our network, and may make sockets:\n%s", status)
	}
	return proc
}

func mustReadFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
