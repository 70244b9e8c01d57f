package gateway

import (
	"bytes"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"broadcastbot/internal/opus"
	"broadcastbot/internal/testhelp"
	"broadcastbot/opusblocks"
)

// plainShow is a show that is not encrypted, in a room of which a test is the speaker.
type plainShow struct {
	*station
	id     string
	writer *opusblocks.Writer
	offset int
	tone   [][]byte // packets of a tone, over and over
	spoken int
}

// Write implements io.Writer: every block is an upload.
func (s *plainShow) Write(block []byte) (int, error) {
	s.grow(s.id, s.offset, block)
	s.offset += len(block)
	return len(block), nil
}

func mustPlainShow(t *testing.T) *plainShow {
	t.Helper()
	s := &plainShow{station: newStation(t, Options{})}
	s.id = s.begin()
	encoder, err := opus.NewEncoder(opus.EncoderOptions{Channels: 1, Bitrate: 32000, Application: opus.Audio})
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, opus.FrameSize)
	for i := range 50 {
		for j := range pcm {
			pcm[j] = int16(8000 * math.Sin(2*math.Pi*440*float64(i*len(pcm)+j)/opus.SampleRate))
		}
		packet := make([]byte, opus.MaxPacketSize)
		n, err := encoder.Encode(pcm, packet)
		if err != nil {
			t.Fatal(err)
		}
		s.tone = append(s.tone, packet[:n])
	}
	s.writer, err = opusblocks.Plain().NewWriter(s, opusblocks.Head{Channels: 1, PreSkip: 312, Title: "Town hall", Speaker: "@a:x", Started: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// speak adds so many seconds, with a sign of life before each.
func (s *plainShow) speak(seconds int) {
	s.t.Helper()
	for range seconds {
		if err := s.writer.KeepAlive(); err != nil {
			s.t.Fatal(err)
		}
		for i := 0; i < len(s.tone); i += 5 {
			if err := s.writer.WriteBlock(s.tone[i : i+5]); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	s.spoken += seconds
}

func (s *plainShow) end() {
	s.t.Helper()
	if err := s.writer.Finish(nil, 0); err != nil {
		s.t.Fatal(err)
	}
	s.finish(s.id, s.offset)
}

func (s *plainShow) url() string { return s.server.URL + "/live/" + s.id + ".opus" }

// samples is how many a player makes of the show.
func (s *plainShow) samples() int { return s.spoken*opus.SampleRate - 312 }

// TestPlayersFollow has the programs of others play a show while it grows: they hear it before it
// ends, all of it, and end with it.
func TestPlayersFollow(t *testing.T) {
	for name, command := range map[string]func(url, out string) []string{
		"ffmpeg": func(url, out string) []string {
			return []string{"ffmpeg", "-nostdin", "-v", "warning", "-i", url, "-f", "s16le", "-flush_packets", "1", "-y", out}
		},
		"mpv": func(url, out string) []string {
			return []string{"mpv", "--no-config", "--no-terminal", "--vid=no", "--untimed", "--audio-format=s16", "--ao=pcm", "--ao-pcm-waveheader=no", "--ao-pcm-file=" + out, url}
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(name); err != nil {
				t.Skip("no such player:", err)
			}
			s := mustPlainShow(t)
			s.speak(10)
			out := filepath.Join(t.TempDir(), "heard")
			words := command(s.url(), out)
			player := exec.CommandContext(t.Context(), words[0], words[1:]...)
			var said bytes.Buffer
			player.Stdout, player.Stderr = &said, &said
			if err := player.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- player.Wait() }()
			heard := func() int {
				info, err := os.Stat(out)
				if err != nil {
					return 0
				}
				return int(info.Size()) / 2
			}
			testhelp.Eventually(t, "the beginning is heard", func() bool { return heard() > 5*opus.SampleRate })
			before := heard()
			s.speak(20)
			testhelp.Eventually(t, "more is heard while the show goes on", func() bool { return heard() > before+10*opus.SampleRate })
			s.end()
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("%v\n%s", err, &said)
				}
			case <-time.After(30 * time.Second):
				t.Fatalf("it plays on after the end\n%s", &said)
			}
			if heard() != s.samples() || said.Len() > 0 {
				t.Errorf("%d samples of %d, and it says: %s", heard(), s.samples(), &said)
			}
		})
	}
}

// TestPlayersAreServed: /live/{id}.opus is the file of /live/{id}, by another name, and goes on for
// players that ask in the usual way.
func TestPlayersAreServed(t *testing.T) {
	s := mustPlainShow(t)
	s.speak(1)
	live, opus := "/live/"+s.id, "/live/"+s.id+".opus"
	same := func(method string, h headers) {
		t.Helper()
		want, got := s.do(method, live, h, nil), s.do(method, opus, h, nil)
		if got.header.Get("Content-Type") != "audio/ogg; codecs=opus" || want.header.Get("Content-Type") != "application/octet-stream" {
			t.Errorf("%s %v: types %q and %q", method, h, got.header.Get("Content-Type"), want.header.Get("Content-Type"))
		}
		for _, header := range []http.Header{got.header, want.header} {
			header.Del("Content-Type")
			header.Del("Date")
		}
		if got.status != want.status || !bytes.Equal(got.body, want.body) || !reflect.DeepEqual(got.header, want.header) {
			t.Errorf("%s %v: %d %v, want %d %v", method, h, got.status, got.header, want.status, want.header)
		}
	}
	same("GET", headers{"Range": "bytes=0-99"})
	same("GET", headers{"Range": "bytes=100-"})
	same("HEAD", headers{"Range": "bytes=0-"})
	same("HEAD", nil)
	response, err := s.open(t.Context(), "GET", opus, headers{"Range": "bytes=0-"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.ContentLength >= 0 {
		t.Errorf("bytes=0- of the growing one = %s, %d bytes", response.Status, response.ContentLength)
	}
	s.speak(1)
	s.end()
	if heard, err := io.ReadAll(response.Body); err != nil || len(heard) != s.offset {
		t.Errorf("%d bytes of %d, %v", len(heard), s.offset, err)
	}
	same("GET", nil)
	same("GET", headers{"Range": "bytes=0-"})
	if a := s.do("OPTIONS", opus, nil, nil); a.status != http.StatusNoContent {
		t.Errorf("OPTIONS = %d", a.status)
	}
}

// TestEncryptedIsNotForPlayers: they would play noise.
func TestEncryptedIsNotForPlayers(t *testing.T) {
	s := newStation(t, Options{})
	for name, id := range map[string]string{
		"finished": s.finished(noise(1000)), "growing": s.growing([]byte("MXC\x03")),
		"nearly": s.growing([]byte("Ogg!")), "too short": s.finished([]byte("Ogg")), "empty": s.finished(nil),
	} {
		for _, method := range []string{"GET", "HEAD"} {
			a := s.do(method, "/live/"+id+".opus", nil, nil)
			if a.status != http.StatusNotFound || a.header.Get("Cache-Control") != noStore {
				t.Errorf("%s %s = %d %v", method, name, a.status, a.header)
			}
		}
	}
	mustRefuse(t, s.do("GET", "/live/AAAAAAAAAAAAAAAAAAAAAA.opus", nil, nil), http.StatusNotFound)
}

// TestPlayerComesFirst asks before the first byte is there.
func TestPlayerComesFirst(t *testing.T) {
	for start, status := range map[string]int{"OggS and more": http.StatusOK, "MXC\x03": http.StatusNotFound} {
		s := newStation(t, Options{})
		id := s.begin()
		if a := s.do("HEAD", "/live/"+id+".opus", nil, nil); a.status != http.StatusOK {
			t.Errorf("HEAD of nothing = %d", a.status)
		}
		done := make(chan answer, 1)
		go func() { done <- s.do("GET", "/live/"+id+".opus", nil, nil) }()
		testhelp.Eventually(t, "the request waits", func() bool { return s.holders() == 2 })
		s.grow(id, 0, []byte(start[:2]))
		s.grow(id, 2, []byte(start[2:]))
		s.finish(id, len(start))
		if a := <-done; a.status != status || status == http.StatusOK && string(a.body) != start {
			t.Errorf("%q: %d %q", start, a.status, a.body)
		}
	}
}
