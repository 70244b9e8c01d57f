package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"broadcastbot/internal/browser"
	"broadcastbot/internal/showtest"
)

// mostGrowth is what the page may grow by from the beginning of a long show to
// its end. One that kept an hour's packets would need 15 MB, its sound 700; a minute
// ahead, which comes and goes, needs 3 with all that belongs to it.
const mostGrowth = 5 << 20

// mustStayLight compares the heap with what it was.
func (l *listening) mustStayLight(before int64) {
	l.t.Helper()
	after := l.Heap()
	l.t.Logf("the page holds %.1f MB, and held %.1f", float64(after)/1e6, float64(before)/1e6)
	if after-before > mostGrowth {
		l.t.Errorf("the page has grown from %d to %d bytes", before, after)
	}
}

// mustAnswer checks that the page is not busy with itself.
func (l *listening) mustAnswer() {
	l.t.Helper()
	asked := time.Now()
	l.Eval("new Promise((resolve) => setTimeout(resolve))", nil)
	if took := time.Since(asked); took > 2*time.Second {
		l.t.Errorf("the page answers after %v", took)
	}
}

// pageLongReplay: an hour is as light as a minute. Half a minute of speech is
// repeated; what is where is not the question here.
func pageLongReplay(t *testing.T, b *browser.Browser) {
	packets := slices.Repeat(mustSpeak(t, 30).packets, 120)
	show := showtest.Reserve(t, showtest.Kind{Signed: true})
	show.Append(t, slices.Concat(show.Blocks(t, packets)...))
	show.Close(t)
	l := mustOpen(t, b, show.Link(), browser.Options{Deaf: true})
	l.play()
	visit := func(from, to, step time.Duration) {
		for at := from; at < to; at += step {
			l.seek(at)
			l.awaitPosition(at+500*time.Millisecond, to)
			l.mustAnswer()
		}
	}
	visit(0, 10*time.Minute, 2*time.Minute)
	before := l.Heap()
	visit(10*time.Minute, time.Hour, 4*time.Minute)
	l.mustStayLight(before)
	l.mustBeWell()
}

// pageLongLive: three hours go by while somebody listens.
func pageLongLive(t *testing.T, b *browser.Browser) {
	packets := slices.Repeat(mustSpeak(t, 30).packets, 30) // a quarter of an hour
	show := showtest.NewSigned(t)
	show.Hurry(t, packets)
	l := mustOpen(t, b, show.Link(), browser.Options{Deaf: true})
	l.play()
	before := int64(0)
	for i := range 12 {
		edge := time.Duration(i+1) * 15 * time.Minute
		l.awaitPosition(edge-2*time.Second, edge)
		l.mustAnswer()
		if i == 2 {
			before = l.Heap()
		}
		show.Hurry(t, packets)
		// The page sees that it has fallen behind, unless it was just going to the edge.
		l.Wait(fmt.Sprintf(`!document.querySelector("#golive").hidden || Number(document.querySelector("#seek").value) >= %v`, edge.Seconds()+60))
		l.Press("body", "g")
	}
	l.awaitPosition(13*15*time.Minute-2*time.Second, 13*15*time.Minute)
	l.mustStayLight(before)
	l.mustBeWell()
}
