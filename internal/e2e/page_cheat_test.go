package e2e

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"broadcastbot/internal/browser"
	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/showtest"
	"broadcastbot/opusblocks"
	"broadcastbot/opusblocks/blocks"
)

// calledLive says whether the page calls the show live anywhere.
const calledLive = `!document.querySelector("#badge").hidden || document.title.includes("LIVE") || /live/i.test(document.querySelector("#state").textContent) || /^[0-4]\.\d s/.test(document.querySelector("#lag").textContent)`

// calledOver says whether the page calls the show over.
const calledOver = `/^The show is over/.test(document.querySelector("#state").textContent)`

// note looks from now on whether the page says what would not be so: something false.
func (l *listening) note(said string) {
	l.Eval(fmt.Sprintf(`void (window.falseSaid = [], window.looks = 0, setInterval(() => {
		looks++;
		if (%s) falseSaid.push(document.title + " | " + document.querySelector("#state").textContent + " | " + document.querySelector("#lag").textContent);
	}, 50))`, said), nil)
}

// mustNotHaveSaid checks that the page has not said it since then, and does not say it in the next second.
func (l *listening) mustNotHaveSaid() {
	l.t.Helper()
	l.Wait("(window.looksFrom ??= looks, looks - looksFrom >= 20) && (delete window.looksFrom)")
	var said []string
	l.Eval("[...new Set(window.falseSaid)]", &said)
	if len(said) > 0 {
		l.t.Errorf("the page says what is not so: %q", said)
	}
}

// pageHeldBack: a gateway that gives out a show 40 seconds late cannot make it pass for live. The
// listener reads how late it is, by the station's own clock.
func pageHeldBack(t *testing.T, b *browser.Browser) {
	s := mustSpeak(t, 14)
	show := showtest.NewSigned(t)
	show.HeldBack = 40 * time.Second
	show.Speak(t, s.packets[:200])
	wait := show.Air(t, s.packets[200:])
	l := mustOpen(t, b, show.Link(), browser.Options{})
	l.awaitState("late")
	l.note(calledLive)
	l.play()
	l.Wait(`/^4[01]\.\d s behind by this device's clock$/.test(document.querySelector("#lag").textContent)`)
	l.awaitSound(6 * time.Second)
	l.awaitState("late")
	l.mustNotHaveSaid()
	wait()
	l.mustHearToEnd(show, s)
	l.mustBeWell()
}

// pageOldShow: yesterday's show, of which the gateway says that it runs, is not called live, whether
// somebody plays it or not.
func pageOldShow(t *testing.T, b *browser.Browser) {
	s := mustSpeak(t, 12)
	show := showtest.NewSigned(t)
	show.HeldBack = 24 * time.Hour
	show.Speak(t, s.packets[:300])
	l := mustOpen(t, b, show.Link(), browser.Options{})
	l.note(calledLive)
	l.awaitState("late")
	l.play()
	show.Air(t, s.packets[300:])()
	l.awaitState("late")
	l.mustNotHaveSaid()
}

// pageMemberCheatsLive: somebody who has the key, and the gateway on his side, go on in the speaker's
// place. Within five seconds of sound the page stops and says so.
func pageMemberCheatsLive(t *testing.T, b *browser.Browser) {
	s := mustSpeak(t, 16)
	show := showtest.NewSigned(t)
	show.Speak(t, s.packets[:100])
	stranger := slices.Repeat(s.packets[:showtest.PerBlock], len(s.packets))
	show.Tamper = func(raw []byte) []byte {
		if len(show.Packets) <= 350 { // 7 s: what was signed last is at 5 s
			return raw
		}
		return mustForge(t, show.Key, raw, stranger[:showtest.PerBlock])
	}
	show.Air(t, s.packets[100:])
	l := mustPlay(t, b, show)
	l.awaitState("notsigned")
	l.awaitEnd()
	mustStayBefore(t, l.passages(s), 10*time.Second)
	l.note(calledLive)
	l.mustNotHaveSaid()
}

// mustForge seals other packets in the place of those of a block, as everybody can who has the key.
func mustForge(t testing.TB, key opusblocks.Key, raw []byte, packets [][]byte) []byte {
	t.Helper()
	form := blocks.NewSealed(key, blocks.HeadLayout{})
	payload, err := form.Open(nil, raw)
	if err != nil {
		t.Fatal(err)
	}
	page, size, err := oggopus.ParsePage(payload)
	if err != nil || size != len(payload) {
		t.Fatalf("a block of more than a page: %v", err)
	}
	page.Body, page.Lacing = bytes.Join(packets, nil), nil
	for _, packet := range packets {
		page.Lacing = oggopus.AppendLacing(page.Lacing, len(packet))
	}
	return form.Append(nil, form.Sequence(raw), page.Append(nil))
}

// mustStayBefore checks that nothing was heard from a moment on.
func mustStayBefore(t testing.TB, passages []passage, moment time.Duration) {
	t.Helper()
	for _, p := range known(passages) {
		if p.sent+p.length > samples(moment) {
			t.Errorf("%v is heard, which is behind %v", p, moment)
		}
	}
}

// pageMemberCheatsLater: a recording in which somebody who has the key has put other words is played
// up to what the station has signed. What was forged is not heard at all, because the page reads ahead.
func pageMemberCheatsLater(t *testing.T, b *browser.Browser) {
	s := mustSpeak(t, 20)
	show := showtest.Reserve(t, showtest.Kind{Signed: true})
	all := show.Blocks(t, s.packets)
	const forged = 121 // 12 s; what is signed before is at 10 s
	for i := forged; i < forged+10; i++ {
		all[i] = mustForge(t, show.Key, all[i], s.packets[:showtest.PerBlock])
	}
	show.Append(t, slices.Concat(all...))
	show.Close(t)
	l := mustPlay(t, b, show)
	l.awaitState("notsigned")
	l.awaitEnd()
	mustHear(t, l.passages(s), expected{from: 0, to: 10100*time.Millisecond - 6500*time.Microsecond})
}

// pageForgedEnd: a show that somebody else ended is not called over.
func pageForgedEnd(t *testing.T, b *browser.Browser) {
	s := mustSpeak(t, 8)
	show := showtest.Reserve(t, showtest.Kind{Signed: true})
	another := showtest.Reserve(t, showtest.Kind{Signed: true})
	another.Key = show.Key
	ours, theirs := show.Blocks(t, s.packets), another.Blocks(t, s.packets)
	show.Append(t, slices.Concat(append(ours[:len(ours)-1], theirs[len(theirs)-1])...))
	show.Close(t)
	l := mustOpen(t, b, show.Link(), browser.Options{})
	l.note(calledOver)
	l.awaitState("falseend")
	l.mustNotHaveSaid()
}
