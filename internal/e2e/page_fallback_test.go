package e2e

import (
	"testing"
	"time"

	"broadcastbot/internal/browser"
)

// withoutDecoder is a browser that cannot decode Opus by itself.
var withoutDecoder = browser.Options{Init: "delete window.AudioDecoder;"}

// mostBytes of the page and all that it needs to begin; the decoder of old
// browsers comes on top.
const mostBytes = 60_000

// pageFallbackReplay: where the browser has no decoder, the page brings one.
func pageFallbackReplay(t *testing.T, b *browser.Browser) {
	show, s := mustRecord(t, 6)
	l := replayWhole(t, b, show, s, withoutDecoder)
	var vendor int
	l.Eval(`performance.getEntriesByType("resource").filter(({ name }) => name.includes("/vendor/")).length`, &vendor)
	if vendor == 0 {
		t.Error("the fallback was not needed: this test tests nothing")
	}
}

func pageFallbackLive(t *testing.T, b *browser.Browser) {
	show, s, wait := mustAir(t, 12)
	l := mustOpen(t, b, show.Link(), withoutDecoder)
	l.play()
	l.awaitSound(6 * time.Second)
	passages := l.passages(s)
	wait()
	mustBeSeamless(t, passages, atSpeed)
	mustLast(t, passages, 5*time.Second)
	l.mustBeWell()
}

// pageWeight: a page that begins at once is a small one.
func pageWeight(t *testing.T, b *browser.Browser) {
	show, _ := mustRecord(t, 2)
	l := mustPlay(t, b, show)
	l.awaitSound(time.Second)
	var loaded []struct {
		Name  string
		Bytes int
	}
	l.Eval(`performance.getEntries().filter(({ encodedBodySize: size, name }) => size > 0 && !name.includes("/live/"))
		.map(({ name, encodedBodySize }) => ({ name: new URL(name).pathname, bytes: encodedBodySize }))`, &loaded)
	sum := 0
	for _, file := range loaded {
		t.Logf("%6d bytes of %s", file.Bytes, file.Name)
		sum += file.Bytes
	}
	if sum < 5_000 || sum >= mostBytes || len(loaded) < 3 {
		t.Errorf("the page needs %d bytes in %d files before it plays, want less than %d", sum, len(loaded), mostBytes)
	}
}
