package e2e

import (
	"testing"
	"time"

	"broadcastbot/internal/browser"
)

// oldBrowser neither decodes Opus by itself nor knows Ed25519.
var oldBrowser = browser.Options{Init: `
delete window.AudioDecoder;
{
	const { importKey } = SubtleCrypto.prototype;
	SubtleCrypto.prototype.importKey = function (format, key, algorithm, ...rest) {
		if (algorithm === "Ed25519") return Promise.reject(new DOMException("unknown", "NotSupportedError"));
		return importKey.call(this, format, key, algorithm, ...rest);
	};
}`}

// mostBytes of the page and all that it needs to begin; what old browsers lack
// comes on top.
const mostBytes = 60_000

// pageFallbackReplay: what the browser lacks, the page brings.
func pageFallbackReplay(t *testing.T, b *browser.Browser) {
	show, s := mustRecord(t, 6)
	l := replayWhole(t, b, show, s, oldBrowser)
	var vendor int
	l.Eval(`performance.getEntriesByType("resource").filter(({ name }) => name.includes("/vendor/")).length`, &vendor)
	if vendor != 2 {
		t.Errorf("%d of 2 fallbacks were needed: this test tests nothing", vendor)
	}
}

func pageFallbackLive(t *testing.T, b *browser.Browser) {
	show, s, wait := mustAir(t, 12)
	l := mustOpen(t, b, show.Link(), oldBrowser)
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
