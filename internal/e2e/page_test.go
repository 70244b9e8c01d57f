package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"broadcastbot/internal/browser"
	"broadcastbot/internal/showtest"
)

// TestListenPage plays shows in a real Chromium, and compares what comes out of
// it, sample by sample, with what was sent.
func TestListenPage(t *testing.T) {
	b := browser.Start(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *browser.Browser)
	}{
		{"Live", pageLive},
		{"ReplayWhole", pageReplayWhole},
		{"ReplayPlain", pageReplayPlain},
		{"StartAtMoment", pageStartAtMoment},
		{"PositionRemembered", pagePositionRemembered},
		{"SeekWhileLive", pageSeekWhileLive},
		{"SeekInReplay", pageSeekInReplay},
		{"EndWhileListening", pageEndWhileListening},
		{"BreakOff", pageBreakOff},
		{"LineCut", pageLineCut},
		{"Offline", pageOffline},
		{"FallbackLive", pageFallbackLive},
		{"FallbackReplay", pageFallbackReplay},
		{"Download", pageDownload},
		{"Weight", pageWeight},
		{"Damage", pageDamage},
		{"Refusals", pageRefusals},
		{"DeletedWhileListening", pageDeletedWhileListening},
		{"HeldBack", pageHeldBack},
		{"OldShow", pageOldShow},
		{"MemberCheatsLive", pageMemberCheatsLive},
		{"MemberCheatsLater", pageMemberCheatsLater},
		{"ForgedEnd", pageForgedEnd},
		{"Looks", pageLooks},
		{"LongReplay", pageLongReplay},
		{"LongLive", pageLongLive},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.name != "Live" { // it measures delays, and has the machine for itself
				t.Parallel()
			}
			test.run(t, b)
		})
	}
}

// listening is the listen page, opened for a show.
type listening struct {
	*browser.Page
	t    testing.TB
	link string
}

func mustOpen(t testing.TB, b *browser.Browser, link string, o browser.Options) *listening {
	t.Helper()
	l := &listening{Page: b.Open(t, o), t: t, link: link}
	l.Goto(link)
	return l
}

// mustPlay opens a show and presses play.
func mustPlay(t testing.TB, b *browser.Browser, show *showtest.Show) *listening {
	t.Helper()
	l := mustOpen(t, b, show.Link(), browser.Options{})
	l.play()
	return l
}

const playButton = "#play"

func (l *listening) play() {
	l.t.Helper()
	l.Wait(`document.querySelector("#play")?.disabled === false`)
	l.Click(playButton)
}

// words are what the page says of a show's state: regular expressions of JavaScript.
var words = map[string]string{
	"live":        "On air now",
	"paused":      "The server says that nothing comes from the speaker: their line is down",
	"stalled":     "Nothing arrives",
	"offline":     "device is offline",
	"ended":       "The show is over",
	"interrupted": "broke off before the speaker ended it",
	"deleted":     "was deleted",
	"unavailable": "There is no show at this address",
	"wrongkey":    "cut short or the key does not fit",
	"late":        "arrives late: by this device's clock",
	"notsigned":   "is not what the station signed",
	"falseend":    "its end is not what the station sent",
	"damaged":     "From 0:0[0-5] on the show is not played, because it is not what the station sealed",
}

func (l *listening) awaitState(state string) {
	l.t.Helper()
	dataset := state
	if state == "notsigned" {
		dataset = "damaged"
	}
	l.Wait(fmt.Sprintf(`document.body.dataset.state === %s && new RegExp(%s).test(document.querySelector("#state").textContent)`, quote(dataset), quote(words[state])))
}

// awaitSound waits until so much more has been heard.
func (l *listening) awaitSound(d time.Duration) {
	l.t.Helper()
	l.Wait(fmt.Sprintf("(window.heardFrom ??= heard.sound, heard.sound - heardFrom >= %d) && (delete window.heardFrom)", samples(d)))
}

// awaitEnd waits until the page has stopped playing by itself, and all that is on
// its way has been heard.
func (l *listening) awaitEnd() {
	l.t.Helper()
	l.Wait(`document.querySelector("#play").ariaLabel === "Play"`)
	l.awaitSilence()
}

// awaitSilence waits until nothing has been heard for half a second.
func (l *listening) awaitSilence() {
	l.t.Helper()
	l.Wait(`heard.pieces.length > 50 && heard.pieces.slice(-50).every(({ samples }) => samples.every((sample) => sample === 0))`)
}

// passages says what was heard since the last time.
func (l *listening) passages(s speech) []passage {
	l.t.Helper()
	return recognise(l.Heard().Samples, s.sound)
}

// mustBeWell checks that the page has complained about nothing.
func (l *listening) mustBeWell() {
	l.t.Helper()
	for _, complaint := range l.Errors() {
		l.t.Errorf("the page complains: %s", complaint)
	}
}

// mustKeepSecret checks that no part of the key has gone over the line.
func mustKeepSecret(t testing.TB, show *showtest.Show) {
	t.Helper()
	asked := show.Line.Asked()
	if len(asked) == 0 {
		t.Error("nobody has asked for anything")
	}
	for key := show.Key.Fragment(); len(key) >= 8; key = key[1:] {
		if bytes.Contains(asked, []byte(key[:8])) {
			t.Fatal("a part of the key has been sent to the gateway")
		}
	}
}

// ranges returns the Range headers of the GET requests for the show.
func ranges(show *showtest.Show) (asked []string) {
	for _, r := range show.Line.Requests() {
		if r.Method == "GET" && strings.HasPrefix(r.URL.Path, "/live/") {
			asked = append(asked, r.Header.Get("Range"))
		}
	}
	return asked
}

func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}
