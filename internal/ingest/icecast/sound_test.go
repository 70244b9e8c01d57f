package icecast

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"broadcastbot/internal/opus"
	"broadcastbot/internal/pulsetest"
	"broadcastbot/internal/testhelp"
)

// pushByButt sets BUTT up as a DJ does who has got the settings from us: it connects at its start.
func pushByButt(codec string) func(*testing.T, target) *running {
	return func(t *testing.T, to target) *running {
		mustWriteFile(t, filepath.Join(to.dir, ".asoundrc"), "pcm.!default { type pulse }\nctl.!default { type pulse }\n")
		config := filepath.Join(to.dir, "buttrc")
		mustWriteFile(t, config, fmt.Sprintf(`[main]
server = station
srv_ent = station
num_of_srv = 1
icy = Evening
icy_ent = Evening
num_of_icy = 1
connect_at_startup = 1
gain = 1.0
log_file = %s
[audio]
device = default
samplerate = 48000
bitrate = 64
channel = 1
codec = %s
buffer_ms = 50
[station]
address = %s
port = %s
password = %s
type = 1
tls = 0
mount = abc
usr = source
[Evening]
pub = 0
[gui]
show_listeners = 1
`, filepath.Join(to.dir, "log"), codec, to.host, to.port, to.password))
		mustCommand(t, "butt")
		cmd := mustCommand(t, "xvfb-run", "-a", "butt", "-x", "-c", config)
		cmd.Env = append(os.Environ(), "HOME="+to.dir)
		return mustRun(t, cmd)
	}
}

func pushByDarkice(t *testing.T, to target) *running {
	config := filepath.Join(to.dir, "darkice.cfg")
	mustWriteFile(t, config, fmt.Sprintf(`[general]
duration = 0
bufferSecs = 1
reconnect = no
realtime = no
[input]
device = pulseaudio
paSourceName = mic
sampleRate = 48000
bitsPerSample = 16
channel = 1
[icecast2-0]
format = opus
bitrateMode = cbr
bitrate = 64
quality = 1.0
server = %s
port = %s
password = %s
mountPoint = abc
name = Evening
`, to.host, to.port, to.password))
	return mustRun(t, mustCommand(t, "darkice", "-c", config))
}

// microphones are the programs that send what a microphone hears.
var microphones = []struct {
	name string
	push func(*testing.T, target) *running
}{{"butt", pushByButt("opus")}, {"darkice", pushByDarkice}}

// speak has a microphone hear the sweep until hush is called.
func speak(t *testing.T) (hush func()) {
	t.Helper()
	microphone := pulsetest.Start(t).Microphone(t, "mic", "Mic")
	ctx, cancel := context.WithCancel(t.Context())
	var speaking sync.WaitGroup
	speaking.Go(func() { microphone.Play(ctx, 1000*opus.SampleRate, sweep) })
	return func() { cancel(); speaking.Wait() }
}

// TestMicrophones: what is said into the microphone of a speaker's computer is on air.
func TestMicrophones(t *testing.T) {
	for _, p := range microphones {
		t.Run(p.name, func(t *testing.T) {
			pulsetest.Attempts(t, func() error {
				s := newStation(t, Options{Auto: true, Grace: time.Second})
				defer speak(t)()
				host, port, _ := net.SplitHostPort(s.own)
				sender := p.push(t, target{host: host, port: port, password: password, dir: t.TempDir()})
				show := s.mustStart()
				testhelp.Eventually(t, "seconds are heard", func() bool { return show.read.Load() > 6*opus.SampleRate })
				sender.stop(t)
				<-show.ended
				if show.err != io.EOF || show.title != "Evening" {
					t.Errorf("the show %q ends with %v", show.title, show.err)
				}
				return show.follows()
			})
		})
	}
}

// follows reports whether a show is the sweep from some moment of it on.
func (s *show) follows() error {
	const piece, seconds = opus.SampleRate / 20, 5
	first := s.pcm[opus.SampleRate:]
	best, begin := 0.0, 0
	for at := 0; at < 30*opus.SampleRate; at += 4 {
		want := make([]int16, piece/4)
		for i := range want {
			want[i] = sweep(at + i)
		}
		if alike := testhelp.Correlation(first[:piece/4], want); alike > best {
			best, begin = alike, at
		}
	}
	alike := 0
	for start := 0; start < (seconds-1)*opus.SampleRate; start += piece {
		want := make([]int16, piece)
		for i := range want {
			want[i] = sweep(begin + start + i)
		}
		if testhelp.Correlation(first[start:start+piece], want) > 0.9 {
			alike++
		}
	}
	if pieces := (seconds - 1) * 20; alike < pieces*3/4 {
		return fmt.Errorf("only %d of %d pieces are what was said", alike, pieces)
	}
	return nil
}

// TestMicrophonesAreRefused: BUTT says what it is not let in for, and does not try again.
func TestMicrophonesAreRefused(t *testing.T) {
	for _, test := range []struct {
		name, codec, password, want string
	}{
		{"password", "opus", "wrong", "invalid user/password"},
		{"MP3", "mp3", password, "server answered with 415"},
		{"Vorbis", "ogg", password, "server answered with 415"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStation(t, Options{Auto: true})
			defer speak(t)()
			host, port, _ := net.SplitHostPort(s.own)
			dir := t.TempDir()
			sender := pushByButt(test.codec)(t, target{host: host, port: port, password: test.password, dir: dir})
			testhelp.Eventually(t, "BUTT says why", func() bool {
				log, _ := os.ReadFile(filepath.Join(dir, "log"))
				return strings.Contains(string(log), test.want)
			})
			sender.stop(t)
			if len(s.shows) > 0 {
				t.Error("a show has begun")
			}
		})
	}
}
