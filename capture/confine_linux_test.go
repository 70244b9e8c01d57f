package capture

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestFFmpegIsConfined looks at a child that decodes.
func TestFFmpegIsConfined(t *testing.T) {
	checkGoroutines(t)
	t.Setenv("BROADCASTBOT_PASSWORD", "correct horse battery staple")
	dir := t.TempDir()
	mustRun(t, dir, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=600", "a.mp3")
	source := mustOpen(t, "file:"+filepath.Join(dir, "a.mp3"), Options{Encoder: clean(1), FullSpeed: true})
	mustRead(t, source)
	child := source.(*paced).Source.(*detached).Source.(*encoded).pcm.(*ffmpeg).cmd
	proc := fmt.Sprintf("/proc/%d/", child.Process.Pid)

	if environment := mustReadFile(t, proc+"environ"); len(environment) > 0 {
		t.Errorf("its environment is %q", environment)
	}
	if arguments := mustReadFile(t, proc+"cmdline"); bytes.Contains(arguments, []byte(dir)) {
		t.Errorf("its command line tells where the file is: %q", arguments)
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
}

func mustReadFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
