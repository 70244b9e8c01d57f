package e2e

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"broadcastbot/internal/browser"
	"broadcastbot/internal/opus"
)

// TestStudioPage speaks through the studio page in a real Chromium, whose microphone is a file, and
// compares what arrives at the station with it.
func TestStudioPage(t *testing.T) {
	s := mustSpeak(t, 30)
	b := browser.Start(t, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
		"--use-file-for-fake-audio-capture="+mustWAV(t, s.sound))
	for _, test := range []struct {
		name string
		run  func(*testing.T, *browser.Browser, speech)
	}{
		{"Speaks", studioSpeaks},
		{"LineCut", studioLineCut},
		{"DeadLine", studioDeadLine},
		{"Reload", studioReload},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, b, s) })
	}
}

// mustWAV writes what the microphone hears.
func mustWAV(t testing.TB, sound []float32) string {
	t.Helper()
	head := []byte("RIFF----WAVEfmt ")
	head = binary.LittleEndian.AppendUint32(head, 16)
	for _, field := range []uint16{1, 1, opus.SampleRate % 65536, 0, 2 * opus.SampleRate % 65536, 2 * opus.SampleRate / 65536, 2, 16} {
		head = binary.LittleEndian.AppendUint16(head, field)
	}
	binary.LittleEndian.PutUint32(head[4:], uint32(36+2*len(sound)))
	wav := binary.LittleEndian.AppendUint32(append(head, "data"...), uint32(2*len(sound)))
	for _, sample := range sound {
		wav = binary.LittleEndian.AppendUint16(wav, uint16(int16(32767*sample)))
	}
	path := filepath.Join(t.TempDir(), "microphone.wav")
	if err := os.WriteFile(path, wav, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// speaking is the studio page, opened with a link.
type speaking struct {
	*browser.Page
	t       testing.TB
	station *station
}

// plainSound switches off what the browser does to a voice: then it can be compared.
const plainSound = `for (const name of ["echo", "noise", "gain"]) localStorage.setItem("broadcastbot.studio." + name, "false");`

func mustOpenStudio(t testing.TB, b *browser.Browser, st *station, o browser.Options) *speaking {
	t.Helper()
	o.Init += plainSound
	p := &speaking{Page: b.Open(t, o), t: t, station: st}
	p.Goto(st.link())
	p.awaitState("ready")
	return p
}

func (p *speaking) awaitState(state string) {
	p.t.Helper()
	p.Wait(fmt.Sprintf(`document.body.dataset.state === %s`, quote(state)))
}

func (p *speaking) awaitWords(id, words string) {
	p.t.Helper()
	p.Wait(fmt.Sprintf(`document.getElementById(%s).textContent.includes(%s)`, quote(id), quote(words)))
}

func (p *speaking) goOnAir() {
	p.t.Helper()
	p.Wait(`document.body.dataset.mic === "open" || (document.querySelector("#big").disabled === false && document.querySelector("#big").click(), false)`)
	p.Click("#big")
	p.awaitState("live")
}

func (p *speaking) stop() {
	p.t.Helper()
	p.Click("#big")
	p.Click("#stop")
	p.awaitState("ended")
}

// mustBeWell checks that neither the page nor the station has anything to complain about.
func (p *speaking) mustBeWell() {
	p.t.Helper()
	for _, complaint := range p.Errors() {
		p.t.Errorf("the page complains: %s", complaint)
	}
	p.station.mu.Lock()
	defer p.station.mu.Unlock()
	for _, fault := range p.station.faults {
		p.t.Errorf("the station complains: %s", fault)
	}
}

// stretch is sound of which every sample follows on the one before it in what was said.
type stretch struct{ heard, sent, windows int }

// arrived says where in what was said the packets come from that the station has, and for how much of
// it that can be told. (It was coded, so it is only alike; recognise is too strict for it.)
func (s *station) arrived(said speech) (stretches []stretch, told float64) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	sound, err := decode(s.packets)
	if err != nil {
		s.t.Fatal(err)
	}
	const window, enough = 4800, 0.4
	r := recogniser{sent: said.sound, thinned: thin(said.sound)}
	known, windows := 0, 0
	for at := 0; at+window <= len(sound); at += window {
		windows++
		piece := sound[at : at+window]
		if n := len(stretches); n > 0 && likeness(piece, said.sound, stretches[n-1].sent+at-stretches[n-1].heard) >= enough {
			known++
			stretches[n-1].windows++
		} else if sent, alike := r.anywhere(piece); alike >= 0.8 {
			known++
			stretches = append(stretches, stretch{at, sent, 1})
		}
	}
	byChance := func(s stretch) bool { return s.windows < 3 } // two vowels of one voice are alike
	return slices.DeleteFunc(stretches, byChance), float64(known) / float64(max(1, windows))
}

// mustArrive checks that what the station has is what was said, in so many stretches.
func (p *speaking) mustArrive(said speech, want int) {
	p.t.Helper()
	stretches, told := p.station.arrived(said)
	if len(stretches) != want || told < 0.7 {
		p.t.Errorf("what arrived is %v, of %d stretches, and %.0f %% of it can be told; want %d stretches", stretches, len(stretches), 100*told, want)
	}
}

func studioSpeaks(t *testing.T, b *browser.Browser, said speech) {
	st := newStation(t)
	p := mustOpenStudio(t, b, st, browser.Options{})
	began := time.Now()
	p.goOnAir()
	st.mustHave(400)
	p.awaitWords("line", "All has arrived")
	p.awaitWords("listeners", "3 listening")
	p.awaitWords("elapsed", "0:0")
	p.stop()
	p.mustBeWell()
	p.mustArrive(said, 1)
	if st.title != "The evening talk" || len(st.packets) != st.count || st.repeated > 0 {
		t.Errorf("the show %q has %d of %d packets, %d came again", st.title, len(st.packets), st.count, st.repeated)
	}
	for i, at := range st.captured {
		if at < began.UnixMilli() || at > time.Now().UnixMilli() || i > 0 && at < st.captured[i-1] {
			t.Fatalf("message %d was captured at %d", i, at)
		}
	}
	var address string
	p.Eval("location.href", &address)
	if strings.Contains(address, stationSecret[:8]) {
		t.Errorf("the secret stays in the address bar: %s", address)
	}
}

// studioLineCut: the speaker speaks on while the line is down, and all of it arrives.
func studioLineCut(t *testing.T, b *browser.Browser, said speech) {
	st := newStation(t)
	p := mustOpenStudio(t, b, st, browser.Options{})
	p.goOnAir()
	st.mustHave(100)
	st.cut()
	p.awaitWords("state", "the line is down")
	p.awaitWords("line", "No line: 5 s kept here")
	st.forget(20) // the station was killed, too
	st.restore()
	st.mustHave(500)
	p.awaitWords("line", "All has arrived")
	p.stop()
	p.mustArrive(said, 1)
	p.mustHaveAll()
}

// studioDeadLine: a line that dies silently is found out.
func studioDeadLine(t *testing.T, b *browser.Browser, said speech) {
	st := newStation(t)
	p := mustOpenStudio(t, b, st, browser.Options{})
	p.goOnAir()
	st.mustHave(50)
	st.mu.Lock()
	st.deaf = true
	st.mu.Unlock()
	p.awaitWords("state", "the line is down")
	st.mu.Lock()
	st.deaf = false
	st.mu.Unlock()
	st.mustHave(600)
	p.stop()
	p.mustArrive(said, 1)
	p.mustHaveAll()
}

// studioReload: the page is loaded again, with the line and without, and goes on by itself.
func studioReload(t *testing.T, b *browser.Browser, said speech) {
	st := newStation(t)
	p := mustOpenStudio(t, b, st, browser.Options{})
	p.goOnAir()
	st.mustHave(150)
	p.Reload()
	p.speakOn()
	have := st.received()
	st.mustHave(have + 100)
	st.cut()
	p.awaitWords("line", "No line: 3 s kept here")
	p.Reload()
	p.speakOn()
	p.awaitWords("line", "No line: 5 s kept here")
	st.restore()
	st.mustHave(have + 400)
	p.awaitWords("line", "All has arrived")
	p.stop()
	p.mustArrive(said, 3)
	p.mustHaveAll()
}

// speakOn waits until the page that was loaded again hears the speaker, who taps where it asks them to.
func (p *speaking) speakOn() {
	p.t.Helper()
	p.awaitState("live")
	p.Wait(`document.body.dataset.mic === "open" || (document.body.dataset.mic === "sleeping" && document.querySelector("#big").click(), false)`)
}

// mustHaveAll checks that the station has every packet once.
func (p *speaking) mustHaveAll() {
	p.t.Helper()
	st := p.station
	st.mu.Lock()
	defer st.mu.Unlock()
	if len(st.packets) != st.count {
		p.t.Errorf("the station has %d of %d packets", len(st.packets), st.count)
	}
	for _, fault := range st.faults {
		p.t.Errorf("the station complains: %s", fault)
	}
	p.t.Logf("%d packets in %d messages, %d came again", len(st.packets), st.messages, st.repeated)
}
