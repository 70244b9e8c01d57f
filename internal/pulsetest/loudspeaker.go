package pulsetest

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Loudspeaker adds the default output to the server, mono at 48 kHz, and listens
// to it. The returned function listens for another second, stops, and returns
// what was played, silence included.
func (s *Server) Loudspeaker(t testing.TB) (heard func() []int16) {
	t.Helper()
	recorder, err := exec.LookPath("parec")
	if err != nil {
		t.Skipf("nobody can listen: %v; get it with: apt-get install pulseaudio-utils", err)
	}
	if _, err := s.pactl("load-module", "module-null-sink", "sink_name=speaker", "rate=48000", "channels=1", "format=s16le"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.dir, "speaker.raw")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := exec.Command(recorder, "--device=speaker.monitor", "--format=s16le", "--rate=48000", "--channels=1")
	cmd.Env, cmd.Stdout = append(os.Environ(), "PULSE_SERVER=unix:"+s.socket()), file
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
	t.Cleanup(stop)
	grow := func(by int64) { // the monitor of an output brings silence, too
		t.Helper()
		size := func() int64 {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			return info.Size()
		}
		for begin, deadline := size(), time.Now().Add(startPatience); size() < begin+by; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the loudspeaker brings nothing")
			}
		}
	}
	grow(1)
	return func() []int16 {
		t.Helper()
		grow(2 * sampleRate) // a second, for what is still on its way
		stop()
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		samples := make([]int16, len(raw)/2)
		for i := range samples {
			samples[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
		}
		return samples
	}
}
