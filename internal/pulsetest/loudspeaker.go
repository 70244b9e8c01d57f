package pulsetest

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Loudspeaker adds the default output to the server, mono at 48 kHz, and listens
// to it. The returned function stops listening and returns what was played,
// silence included.
func (s *Server) Loudspeaker(t testing.TB) (heard func() []int16) {
	t.Helper()
	recorder, err := exec.LookPath("parec")
	if err != nil {
		t.Skipf("nobody can listen: %v; get it with: apt-get install pulseaudio-utils", err)
	}
	if err := s.pactl("load-module", "module-null-sink", "sink_name=speaker", "rate=48000", "channels=1", "format=s16le"); err != nil {
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
	return func() []int16 {
		t.Helper()
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
