package opusblocks

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"broadcastbot/internal/opus"
)

// TestPlayersSkipCheckpoints: a signed show sounds as the same show without checkpoints, to the last
// sample. Its end has a packet that is all end trim.
func TestPlayersSkipCheckpoints(t *testing.T) {
	packets := mustTone(t, 12)
	unsigned := mustOggFile(t, show{plain: true}, packets)
	signed := mustOggFile(t, show{plain: true, station: newStation()}, packets)
	fromSealed := mustOggFile(t, show{key: NewKey(), station: newStation()}, packets)
	for name, player := range map[string][]string{
		"ffmpeg":  {"ffmpeg", "-v", "error", "-i", "FILE", "-f", "s16le", "-"},
		"libopus": {"ffmpeg", "-v", "error", "-c:a", "libopus", "-i", "FILE", "-f", "s16le", "-"},
		"opusdec": {"opusdec", "--quiet", "--no-dither", "FILE", "-"},
	} {
		t.Run(name, func(t *testing.T) {
			want := mustPlay(t, player, unsigned)
			for what, file := range map[string]string{"signed": signed, "signed and sealed": fromSealed} {
				if got := mustPlay(t, player, file); !bytes.Equal(got, want) {
					t.Errorf("%s: %d bytes of sound, want the same %d", what, len(got), len(want))
				}
			}
			if samples := len(want) / 2; samples < 12*sampleRate-960 || samples > 12*sampleRate+64 {
				t.Errorf("%d samples", samples)
			}
		})
	}
}

// mustTone encodes so many seconds of a tone.
func mustTone(t *testing.T, seconds int) (packets [][]byte) {
	t.Helper()
	encoder, err := opus.NewEncoder(opus.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	pcm, packet := make([]int16, opus.FrameSize), make([]byte, opus.MaxPacketSize)
	for frame := range seconds * 50 {
		for i := range pcm {
			pcm[i] = int16(8000 * math.Sin(float64(frame*opus.FrameSize+i)/20))
		}
		n, err := encoder.Encode(pcm, packet)
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, bytes.Clone(packet[:n]))
	}
	return packets
}

// mustOggFile writes a show and returns the path of the Opus file that it is.
func mustOggFile(t *testing.T, s show, packets [][]byte) string {
	t.Helper()
	var file, ogg bytes.Buffer
	w := s.mustBegin(t, &file)
	for some := range slices.Chunk(packets, 5) {
		if err := w.WriteBlock(some); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(nil, 0); err != nil {
		t.Fatal(err)
	}
	if err := WriteOgg(&ogg, s.open(file.Bytes())); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "show.opus")
	if err := os.WriteFile(path, ogg.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustPlay(t *testing.T, player []string, file string) []byte {
	t.Helper()
	if _, err := exec.LookPath(player[0]); err != nil {
		t.Skipf("%s is not installed", player[0])
	}
	args := slices.Clone(player[1:])
	args[slices.Index(args, "FILE")] = file
	cmd := exec.CommandContext(t.Context(), player[0], args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Errorf("%s: %v: %s", player[0], err, stderr.Bytes())
	}
	return out
}
