package broadcast

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"broadcastbot/internal/opus"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
)

// TestShowIsAnOpusFile has the tools of others judge a whole show and one that
// was stopped between two packets: decrypted, or plain as it is.
func TestShowIsAnOpusFile(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"opusinfo", "opusdec", "ffmpeg"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("no judge:", err)
		}
	}
	for name, play := range map[string]func(*studio) store.Show{
		"whole": func(s *studio) store.Show { return s.mustStart(t, "tone:440,duration=1230ms") },
		"whole blocks": func(s *studio) store.Show {
			return s.mustStart(t, "tone:440,duration=993ms")
		},
		"stopped": func(s *studio) store.Show {
			b := s.mustStart(t, "")
			if _, err := s.mustStream(t, b).ReadPacket(); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Stop(t.Context(), "!r:x"); err != nil {
				t.Fatal(err)
			}
			return b
		},
	} {
		inBothForms(t, func(t *testing.T, s *studio) {
			t.Log("a show that is", name)
			b := play(s)
			s.mustConclude(t)
			response, err := s.server.Client().Get(b.Main().LiveURL())
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			path := filepath.Join(t.TempDir(), "show.opus")
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			if b.Main().Plain {
				_, err = io.Copy(f, response.Body)
			} else {
				err = opusblocks.WriteOgg(f, b.Main().Form().NewReader(response.Body))
			}
			if err != nil {
				t.Fatal(err)
			}
			f.Close()
			mustBeQuiet(t, exec.Command("opusinfo", "-q", path))
			mustBeQuiet(t, exec.Command("opusdec", "--quiet", path, filepath.Join(t.TempDir(), "show.wav")))
			mustBeQuiet(t, exec.Command("ffmpeg", "-nostdin", "-v", "warning", "-i", path, "-f", "null", "-"))
		})
	}
}

// mustBeQuiet runs a tool that prints only what it does not like.
func mustBeQuiet(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if text := strings.TrimSpace(string(out)); err != nil || strings.Contains(strings.ToLower(text), "warning") || strings.Contains(text, "rror") {
		t.Errorf("%s: %v\n%s", cmd, err, text)
	}
}

// TestShowIsAsLongAsItsSource: what the source says of its end counts to the sample, wherever in a
// block that is.
func TestShowIsAsLongAsItsSource(t *testing.T) {
	t.Parallel()
	inBothForms(t, func(t *testing.T, s *studio) {
		for _, milliseconds := range []int{190, 193, 200, 210, 230, 250, 270, 290, 293, 294} {
			show := s.mustStart(t, fmt.Sprintf("tone:440,duration=%dms", milliseconds))
			stream := s.mustStream(t, show)
			played := -stream.Head().PreSkip
			for _, packet := range mustHear(t, stream) {
				samples, err := opus.PacketDuration(packet)
				if err != nil {
					t.Fatal(err)
				}
				played += samples
			}
			if played -= stream.EndTrim(); played != milliseconds*48 {
				t.Errorf("%d ms became %d samples, want %d", milliseconds, played, milliseconds*48)
			}
			s.mustSettle(t)
		}
	})
}
