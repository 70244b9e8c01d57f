package capture

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"broadcastbot/internal/opus"
)

// clean is how speech and music come through the encoder best.
func clean(channels int) opus.EncoderOptions {
	return opus.EncoderOptions{Channels: channels, Bitrate: 64000 * channels, Complexity: 5, Application: opus.Audio}
}

// varying are options with which packets of files may have any size.
func varying() opus.EncoderOptions {
	o := opus.Defaults()
	o.VBR = true
	return o
}

// speak writes 10 seconds of speech to speech.wav.
func speak(t *testing.T, dir string) {
	t.Helper()
	mustRun(t, dir, "espeak-ng", "-w", "short.wav", "Good evening. This is the town hall. The budget, first; then questions. Who wants to begin? "+
		"Nobody? Let us wait a little. Well, then I shall tell you what we have been doing since the summer.")
	mustRun(t, dir, "ffmpeg", "-v", "error", "-i", "short.wav", "-af", "apad", "-t", "10", "-ar", "48000", "speech.wav")
}

// mustBeAlike fails the test if packets have different sizes or durations.
func mustBeAlike(t *testing.T, packets [][]byte) {
	t.Helper()
	if len(packets) == 0 {
		t.Fatal("no packets came")
	}
	for i, packet := range packets {
		samples, err := opus.PacketDuration(packet)
		first, _ := opus.PacketDuration(packets[0])
		if err != nil || samples != first || len(packet) != len(packets[0]) {
			t.Fatalf("packet %d has %d bytes and %d samples, the first %d and %d (%v)", i, len(packet), samples, len(packets[0]), first, err)
		}
	}
}

// openAs opens the source of a station whose own it is.
func openAs(ctx context.Context, spec string, o Options) (Source, error) {
	return BuiltIn(Limits{Own: spec}).Open(ctx, spec, o)
}

func mustOpen(t *testing.T, spec string, o Options) Source {
	t.Helper()
	source, err := openAs(t.Context(), spec, o)
	if err != nil {
		t.Fatalf("open %s: %v", spec, err)
	}
	t.Cleanup(func() { source.Close() })
	return source
}

func mustRead(t *testing.T, source Source) []byte {
	t.Helper()
	packet, err := source.ReadPacket(t.Context())
	if err != nil {
		t.Fatalf("read packet: %v", err)
	}
	return packet
}

func mustReadAll(t *testing.T, source Source) (packets [][]byte) {
	t.Helper()
	for {
		packet, err := source.ReadPacket(t.Context())
		if errors.Is(err, io.EOF) {
			return packets
		}
		if err != nil {
			t.Fatalf("read packet %d: %v", len(packets), err)
		}
		packets = append(packets, packet)
	}
}

// mustDecode decodes packets and trims what is not sound at both ends. The samples of
// channels are interleaved.
func mustDecode(t *testing.T, format Format, packets [][]byte, endTrim int) (pcm []int16) {
	t.Helper()
	decoder, err := opus.NewDecoder(format.Channels)
	if err != nil {
		t.Fatal(err)
	}
	frame := make([]int16, 5760*format.Channels)
	for i, packet := range packets {
		n, err := decoder.Decode(packet, frame)
		if err != nil {
			t.Fatalf("decode packet %d: %v", i, err)
		}
		pcm = append(pcm, frame[:n*format.Channels]...)
	}
	return pcm[format.PreSkip*format.Channels : len(pcm)-endTrim*format.Channels]
}

// mustRun runs a program in a directory. The test is skipped when the program is not
// installed.
func mustRun(t *testing.T, dir, program string, arguments ...string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed", program)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, arguments...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v: %s", program, arguments, err, out)
	}
}

func mustWrite(t *testing.T, name string, content []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func level(pcm []int16) float64 {
	var sum float64
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return math.Sqrt(sum / float64(max(len(pcm), 1)))
}
