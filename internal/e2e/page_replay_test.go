package e2e

import (
	"fmt"
	"testing"
	"time"

	"broadcastbot/internal/browser"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/showtest"
)

// mustRecord makes a finished show of some seconds.
func mustRecord(t testing.TB, seconds int) (*showtest.Show, speech) {
	t.Helper()
	s := mustSpeak(t, seconds)
	show := showtest.NewSigned(t)
	show.Speak(t, s.packets)
	show.Finish(t)
	return show, s
}

func (s speech) length() time.Duration { return opus.Duration(int64(len(s.sound))) }

func pageReplayWhole(t *testing.T, b *browser.Browser) {
	show, s := mustRecord(t, 8)
	replayWhole(t, b, show, s, browser.Options{})
	mustKeepSecret(t, show)
}

func pageReplayPlain(t *testing.T, b *browser.Browser) {
	s := mustSpeak(t, 5)
	show := showtest.Begin(t, showtest.Kind{Plain: true, Signed: true})
	show.Speak(t, s.packets)
	show.Finish(t)
	replayWhole(t, b, show, s, browser.Options{})
}

func replayWhole(t *testing.T, b *browser.Browser, show *showtest.Show, s speech, o browser.Options) *listening {
	t.Helper()
	l := mustOpen(t, b, show.Link(), o)
	l.awaitState("ended")
	l.play()
	l.awaitSound(time.Second)
	l.awaitEnd()
	mustHear(t, l.passages(s), expected{from: 0, to: s.length()})
	l.awaitState("ended")
	l.mustBeWell()
	return l
}

// pageStartAtMoment: a link may say where to begin.
func pageStartAtMoment(t *testing.T, b *browser.Browser) {
	show, s := mustRecord(t, 6)
	l := mustOpen(t, b, show.Link()+"&t=3.5", browser.Options{})
	l.play()
	l.awaitSound(time.Second)
	l.awaitEnd()
	mustHear(t, l.passages(s), expected{from: 3500 * time.Millisecond, to: s.length()})
}

// pagePositionRemembered: who comes back goes on where they stopped.
func pagePositionRemembered(t *testing.T, b *browser.Browser) {
	show, s := mustRecord(t, 33)
	l := mustPlay(t, b, show)
	l.slide(20 * time.Second)
	l.awaitSound(2 * time.Second)
	l.Click(playButton) // pause
	l.awaitSilence()
	before := l.passages(s)
	stopped := before[len(before)-1]
	l.Reload()
	l.play()
	l.awaitSound(time.Second)
	again := l.passages(s)
	if again[0].sent == nowhere {
		t.Fatalf("after a reload is heard: %v", again[0])
	}
	if off := stopped.sent + stopped.length - again[0].sent; off < -opus.SampleRate/50 || off > 6*opus.SampleRate {
		t.Errorf("stopped after %v, and went on at %v", stopped, again[0])
	}
}

// seek goes to a moment as a link to it does, which is to the millisecond; the
// slider knows whole seconds.
func (l *listening) seek(to time.Duration) {
	l.t.Helper()
	l.Eval(fmt.Sprintf(`void (location.hash = location.hash.replace(/&t=.*/, "") + "&t=%v")`, to.Seconds()), nil)
}

// slide moves the slider, as a screen reader does.
func (l *listening) slide(to time.Duration) {
	l.t.Helper()
	l.Eval(fmt.Sprintf(`void ((slider) => {
		slider.value = %v;
		slider.dispatchEvent(new Event("change", { bubbles: true }));
	})(document.querySelector("#seek"))`, to.Seconds()), nil)
}

// awaitPosition waits until the page shows that it plays between two moments.
func (l *listening) awaitPosition(from, to time.Duration) {
	l.t.Helper()
	l.Wait(fmt.Sprintf(`((at) => at >= %v && at <= %v)(Number(document.querySelector("#seek").value))`, from.Seconds(), to.Seconds()))
}

// moments lie far from each other, so that what a seek leads to is not taken for
// what was being heard before it.
var moments = []time.Duration{7777 * time.Millisecond, 0, 11 * time.Second, 100 * time.Millisecond, 5 * time.Second, 1234 * time.Millisecond}

// pageSeekInReplay: a seek leads to the moment itself, with one request.
func pageSeekInReplay(t *testing.T, b *browser.Browser) {
	show, s := mustRecord(t, 28) // long enough for ten seconds more, however late the listener pauses
	l := mustPlay(t, b, show)
	l.awaitSound(time.Second)
	for _, moment := range moments {
		l.mustSeek(show, s, moment, func() { l.seek(moment) })
	}
	l.mustSeek(show, s, 9*time.Second, func() { l.slide(9 * time.Second) })
	l.mustSeek(show, s, s.length()/2, func() { l.Press("body", "5") })
	l.mustSeek(show, s, 0, func() { l.Click("#back") })
	l.mustStepOn(s)
	l.mustBeWell()
}

// mustStepOn pauses, presses an arrow key, and plays on: ten seconds later.
func (l *listening) mustStepOn(s speech) {
	l.t.Helper()
	l.Click(playButton)
	l.awaitSilence()
	before := known(l.passages(s))
	stopped := before[len(before)-1]
	l.Press("#seek", "ArrowRight")
	l.play()
	l.awaitSound(500 * time.Millisecond)
	again := l.passages(s)[0]
	if off := again.sent - stopped.sent - stopped.length - 10*opus.SampleRate; again.sent == nowhere || max(off, -off) > opus.SampleRate/50 {
		l.t.Errorf("ten seconds after %v comes %v", stopped, again)
	}
}

// pageSeekWhileLive: the same, in a show that goes on.
func pageSeekWhileLive(t *testing.T, b *browser.Browser) {
	s := mustSpeak(t, 32)
	show := showtest.NewSigned(t)
	show.Speak(t, s.packets[:14*50])
	show.Air(t, s.packets[14*50:])
	l := mustPlay(t, b, show)
	l.awaitSound(time.Second)
	for _, moment := range moments[:4] {
		l.mustSeek(show, s, moment, func() { l.seek(moment) })
	}
	l.Click("#golive")
	l.Wait(`document.querySelector("#golive").hidden && /^0\.\d s behind$/.test(document.querySelector("#lag").textContent)`)
}

// mustSeek checks where a seek leads, and how often it asks the gateway.
func (l *listening) mustSeek(show *showtest.Show, s speech, moment time.Duration, seek func()) {
	l.t.Helper()
	asked := len(ranges(show))
	l.Heard()
	seek()
	l.awaitSound(time.Second)
	passages := l.passages(s)
	if n := len(ranges(show)) - asked; n != 1 {
		l.t.Errorf("the seek to %v takes %d requests: %v", moment, n, ranges(show)[asked:])
	}
	// What came before the seek is heard first. A frame in which one fades into
	// the other is like neither: the moment may lie in there.
	faded := 0
	for _, p := range passages {
		off := p.sent - samples(moment)
		if p.sent != nowhere && max(off, -off) < opus.SampleRate/2 {
			if early, late := -samples(exact), samples(exact)+faded; off < early || off > late {
				l.t.Errorf("the seek to %v leads to %v:\n%s", moment, p, list(passages))
			}
			return
		}
		if faded = 0; p.sent == nowhere {
			faded = p.length
		}
	}
	l.t.Errorf("the seek to %v leads elsewhere:\n%s", moment, list(passages))
}

// exact is how near to the wanted moment a seek has to lead.
const exact = 20 * time.Millisecond
