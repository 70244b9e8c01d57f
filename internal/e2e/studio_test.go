package e2e

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
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
	b := browser.Start(t, microphoneFlags(t, s.sound)...)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *browser.Browser, speech)
	}{
		{"Speaks", studioSpeaks},
		{"LineCut", studioLineCut},
		{"Killed", studioKilled},
		{"DeadLine", studioDeadLine},
		{"Reload", studioReload},
		{"Settings", studioSettings},
		{"Rehearsal", studioRehearsal},
		{"AnotherDevice", studioAnotherDevice},
		{"AnotherTab", studioAnotherTab},
		{"OldBrowser", studioOldBrowser},
		{"OtherRate", studioOtherRate},
		{"Trouble", studioTrouble},
		{"Looks", studioLooks},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, b, s)
		})
	}
}

// microphoneFlags give Chromium a microphone that hears this over and over, and that every page may use.
func microphoneFlags(t testing.TB, sound []float32) []string {
	t.Helper()
	return []string{
		"--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--use-file-for-fake-audio-capture=" + mustWAV(t, sound),
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
	station *studioStation
}

// plainSound switches off what the browser does to a voice: then it can be compared.
const plainSound = `for (const name of ["echo", "noise", "gain"]) localStorage.setItem("broadcastbot.studio." + name, "false");`

func mustOpenStudio(t testing.TB, b *browser.Browser, st *studioStation, o browser.Options) *speaking {
	t.Helper()
	o.Init += plainSound
	p := &speaking{Page: b.Open(t, o), t: t, station: st}
	p.Goto(st.link)
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

// awaitMicrophone waits until the page hears the speaker, who taps where it asks them to.
func (p *speaking) awaitMicrophone() {
	p.t.Helper()
	p.Wait(`document.body.dataset.mic === "open" || (document.querySelector("#big").disabled === false && document.querySelector("#big").click(), false)`)
}

func (p *speaking) goOnAir() {
	p.t.Helper()
	p.awaitMicrophone()
	p.Click("#big")
	p.awaitState("live")
}

// mustGoOnAir returns a station, and the page of a speaker who is on air, when it has so many packets of theirs.
// init runs before the page's own scripts.
func mustGoOnAir(t testing.TB, b *browser.Browser, init string, packets int) (*studioStation, *speaking) {
	t.Helper()
	st := newStudioStation(t)
	p := mustOpenStudio(t, b, st, browser.Options{Init: init})
	p.goOnAir()
	st.mustHave(packets)
	return st, p
}

func (p *speaking) stop() {
	p.t.Helper()
	p.Click("#big")
	p.Click("#stop")
	p.awaitState("ended")
	p.Wait(`document.querySelector("#state").textContent === "The show is over."`) // and nothing is missing
}

// mustBeWell checks that the page has complained about nothing, and has told nobody its secret.
func (p *speaking) mustBeWell() {
	p.t.Helper()
	for _, complaint := range p.Errors() {
		p.t.Errorf("the page complains: %s", complaint)
	}
	for _, r := range p.station.line.Requests() {
		if strings.Contains(r.URL.String()+r.Referer(), p.station.secret()[:8]) {
			p.t.Errorf("the secret is in a request for %s", r.URL)
		}
	}
}

func studioSpeaks(t *testing.T, b *browser.Browser, said speech) {
	st := newStudioStation(t)
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
	if st.title != "The evening talk" || !st.over {
		t.Errorf("the show %q is over: %v", st.title, st.over)
	}
	for i, at := range st.captured {
		if at.Before(began) || at.After(time.Now()) || i > 0 && at.Before(st.captured[i-1]) {
			t.Fatalf("packet %d was captured at %v, the one before it at %v", i, at, st.captured[max(0, i-1)])
		}
	}
	var address string
	p.Eval("location.href", &address)
	if strings.Contains(address, st.secret()[:8]) {
		t.Errorf("the secret stays in the address bar: %s", address)
	}
}

// studioLineCut: the speaker speaks on while the line is down, and the station dies meanwhile. All
// of it arrives.
func studioLineCut(t *testing.T, b *browser.Browser, said speech) {
	st, p := mustGoOnAir(t, b, "", 100)
	st.line.SetCut(true)
	p.awaitWords("state", "the line is down")
	p.awaitWords("line", "No line: 5 s kept here")
	st.kill()
	st.line.SetCut(false)
	st.mustHave(500)
	p.awaitWords("line", "All has arrived")
	p.stop()
	p.mustArrive(said, 1)
}

// studioKilled: the station dies in the middle of a sentence.
func studioKilled(t *testing.T, b *browser.Browser, said speech) {
	st := newStudioStation(t)
	p := mustOpenStudio(t, b, st, browser.Options{})
	p.goOnAir()
	for n := range 3 {
		st.mustHave(100 * (n + 1))
		st.kill()
		st.line.SetCut(false)
	}
	st.mustHave(500)
	p.stop()
	p.mustArrive(said, 1)
}

// studioDeadLine: a line that dies silently is found out.
func studioDeadLine(t *testing.T, b *browser.Browser, said speech) {
	st, p := mustGoOnAir(t, b, "", 50)
	st.line.SetHeld(true)
	p.awaitWords("state", "the line is down")
	st.line.SetCut(true)
	st.line.SetHeld(false)
	st.line.SetCut(false)
	st.mustHave(600)
	p.stop()
	p.mustArrive(said, 1)
}

// studioReload: the page is loaded again, with the line and without, and goes on by itself.
func studioReload(t *testing.T, b *browser.Browser, said speech) {
	st, p := mustGoOnAir(t, b, "", 150)
	p.Reload()
	p.speakOn()
	have := st.received()
	st.mustHave(have + 100)
	st.closed.Store(true)
	st.line.SetCut(true)
	p.awaitWords("line", "No line: 3 s kept here")
	st.line.SetCut(false)
	p.Reload()
	p.speakOn()
	p.awaitWords("line", "No line: 5 s kept here")
	st.closed.Store(false)
	st.mustHave(have + 400)
	p.awaitWords("line", "All has arrived")
	p.stop()
	p.mustArrive(said, 3)
}

// speakOn waits until the page that was loaded again hears the speaker, who taps where it asks them to.
func (p *speaking) speakOn() {
	p.t.Helper()
	p.awaitState("live")
	p.awaitMicrophone()
}
