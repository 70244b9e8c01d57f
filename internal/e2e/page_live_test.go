package e2e

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"broadcastbot/internal/browser"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/showtest"
)

// atSpeed is what a listener at the live edge may miss or hear twice at a time:
// the page plays a little faster or slower to stay where it is.
const atSpeed = near

// mustAir begins a show that has been running for two seconds and goes on in real
// time. Its speech ends after so many seconds.
func mustAir(t testing.TB, seconds int) (show *showtest.Show, s speech, wait func()) {
	t.Helper()
	s = mustSpeak(t, seconds)
	show = showtest.NewSigned(t)
	show.Speak(t, s.packets[:100])
	return show, s, show.Air(t, s.packets[100:])
}

// pageLive: who opens the link of a running show hears it, at once and whole,
// and reads how far behind that is.
func pageLive(t *testing.T, b *browser.Browser) {
	show, s, wait := mustAir(t, 16)
	l := mustOpen(t, b, show.Link(), browser.Options{})
	for _, text := range []string{showtest.Head.Title, showtest.Head.Speaker, "2026"} {
		l.Wait("document.body.innerText.includes(" + quote(text) + ")")
	}
	l.awaitState("live")
	l.play()
	l.Eval(`void (window.lags = [], setInterval(() => lags.push({
		wall: performance.timeOrigin + performance.now(),
		text: document.querySelector("#lag").textContent,
	}), 100))`, nil)
	l.awaitSound(8 * time.Second)
	heard := l.Heard()
	var shown []shownLag
	l.Eval("lags", &shown)
	wait()

	passages := recognise(heard.Samples, s.sound)
	mustBeSeamless(t, passages, atSpeed)
	mustLast(t, passages, 7*time.Second)
	mustShowLag(t, show, heard, passages, shown)
	mustKeepSecret(t, show)
	l.mustBeWell()
}

type shownLag struct {
	Wall float64 // ms since 1970
	Text string
}

// mustShowLag compares what the page says with the difference between the time
// of speaking and that of hearing.
func mustShowLag(t *testing.T, show *showtest.Show, heard browser.Heard, passages []passage, shown []shownLag) {
	t.Helper()
	spoken := spokenAt(show)
	var lags, errors []time.Duration
	for _, lag := range shown {
		said, ok := seconds(lag.Text)
		moment := time.UnixMicro(int64(lag.Wall * 1000))
		at, found := sentAt(passages, samples(moment.Sub(heard.At(0))))
		if !ok || !found {
			continue
		}
		real := moment.Sub(spoken.Add(opus.Duration(int64(at))))
		lags = append(lags, real)
		errors = append(errors, (said - real).Abs())
	}
	if len(lags) < 30 {
		t.Fatalf("the page tells how far behind it is only %d times, such as %v", len(lags), shown[:min(3, len(shown))])
	}
	slices.Sort(lags)
	slices.Sort(errors)
	median := errors[len(errors)/2]
	t.Logf("from the speaker's mouth to the listener's ear: %v in the median, %v at most; the page's own figure is %v off in the median, of which the loudspeaker has %v",
		lags[len(lags)/2].Round(time.Millisecond), lags[len(lags)-1].Round(time.Millisecond), median.Round(time.Millisecond), heard.Latency)
	if median > 100*time.Millisecond {
		t.Errorf("the page is wrong by %v about how far behind it is", median)
	}
}

// spokenAt tells when the moment 0 of a show was spoken: a block leaves as soon as
// it is full, and the quickest one says when that was.
func spokenAt(show *showtest.Show) (start time.Time) {
	for i, full := range show.Full[20:] { // what was on air in real time
		end := time.Duration(i+21)*showtest.PerBlock*showtest.PacketDuration - opus.Duration(int64(showtest.Head.PreSkip))
		if at := full.Add(-end); start.IsZero() || at.Before(start) {
			start = at
		}
	}
	return start
}

// sentAt says which sample of the show was heard as that sample.
func sentAt(passages []passage, heard int) (sent int, found bool) {
	for _, p := range passages {
		if p.sent != nowhere && heard >= p.heard && heard < p.heard+p.length {
			return p.sent + heard - p.heard, true
		}
	}
	return 0, false
}

// seconds reads a figure such as "0.4 s behind".
func seconds(text string) (time.Duration, bool) {
	i := strings.IndexAny(text, "0123456789")
	if i < 0 {
		return 0, false
	}
	var whole, scale float64 = 0, 0
	for _, c := range text[i:] {
		switch {
		case c >= '0' && c <= '9':
			whole = whole*10 + float64(c-'0')
			scale *= 10
		case c == '.' && scale == 0:
			scale = 1
		default:
			return time.Duration(whole / math.Max(scale, 1) * float64(time.Second)), true
		}
	}
	return time.Duration(whole / math.Max(scale, 1) * float64(time.Second)), true
}

// pageEndWhileListening: a show that ends under a listener's ears turns into its
// own replay.
func pageEndWhileListening(t *testing.T, b *browser.Browser) {
	show, s, wait := mustAir(t, 7)
	l := mustPlay(t, b, show)
	wait()
	l.mustHearToEnd(show, s)
	l.seek(2 * time.Second)
	l.play()
	l.awaitSound(time.Second)
	l.awaitEnd()
	mustHear(t, l.passages(s), expected{from: 2 * time.Second, to: opus.Duration(int64(len(s.sound)))})
	l.mustBeWell()
}

// mustHearToEnd ends a show that is followed, and checks that all of it is heard.
func (l *listening) mustHearToEnd(show *showtest.Show, s speech) {
	l.t.Helper()
	show.Finish(l.t)
	l.awaitState("ended")
	l.awaitEnd()
	passages := l.passages(s)
	mustBeSeamless(l.t, passages, atSpeed)
	mustReachEnd(l.t, passages, s)
}

// pageLineCut: a broken line costs time, and nothing else.
func pageLineCut(t *testing.T, b *browser.Browser) {
	show, s, wait := mustAir(t, 18)
	l := mustPlay(t, b, show)
	l.awaitSound(2 * time.Second)
	show.Line.SetCut(true)
	l.awaitState("stalled")
	time.Sleep(5 * time.Second) // that is how long the line is away, not what decides
	show.Line.SetCut(false)
	l.awaitState("live")
	wait()
	l.mustHearToEnd(show, s)
}

// pageOffline: the same, when the browser knows that it has no network.
func pageOffline(t *testing.T, b *browser.Browser) {
	show, s, wait := mustAir(t, 12)
	l := mustPlay(t, b, show)
	l.awaitSound(2 * time.Second)
	l.SetOffline(true)
	show.Line.SetCut(true) // Chromium leaves open what is open
	l.awaitState("offline")
	show.Line.SetCut(false)
	l.SetOffline(false)
	l.awaitState("live")
	wait()
	l.mustHearToEnd(show, s)
}

// pageBreakOff: the speaker takes a break, comes back, and is cut off in the end.
// A break is no broken line, and what broke off is not called complete.
func pageBreakOff(t *testing.T, b *browser.Browser) {
	s := mustSpeak(t, 6)
	show := showtest.NewSigned(t)
	show.Speak(t, s.packets[:100])
	l := mustPlay(t, b, show)
	show.Air(t, s.packets[100:200])()
	if err := show.Writer.KeepAlive(); err != nil {
		t.Fatal(err)
	}
	l.awaitState("paused")
	l.awaitSilence()
	show.Air(t, s.packets[200:])()
	l.awaitState("live")
	show.Close(t)
	l.awaitState("interrupted")
	l.awaitEnd()
	passages := l.passages(s)
	mustBeSeamless(t, passages, atSpeed)
	const proven = 5 * time.Second // what is signed last; what is not may have been dropped
	if last := passages[len(passages)-1]; last.sent+last.length < samples(proven) {
		t.Errorf("what is proven was not heard:\n%s", list(passages))
	}
}
