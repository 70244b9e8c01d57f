package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"broadcastbot/internal/browser"
)

// staircase plays samples of which each tells its own number.
const staircase = `registerProcessor("staircase", class extends AudioWorkletProcessor {
	n = 0;
	process(_, [[plane]]) {
		for (let i = 0; i < plane.length; i++) plane[i] = ++this.n / 2 ** 22;
		return true;
	}
});`

const stage = `<!doctype html><html lang="en"><title>A page</title><main><h1>A page</h1><button>Play</button></main><script type="module">
document.querySelector("button").onclick = async () => {
	const context = new AudioContext({ sampleRate: 48000 });
	await context.audioWorklet.addModule("/staircase.js");
	const node = new AudioWorkletNode(context, "staircase", { numberOfInputs: 0, outputChannelCount: [1] });
	node.connect(new GainNode(context)).connect(context.destination);
};
</script>`

func mustPage(t *testing.T, html string) *browser.Page {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/staircase.js" {
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(w, staircase)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, html)
	}))
	t.Cleanup(server.Close)
	page := browser.Start(t).Open(t, browser.Options{})
	page.Goto(server.URL)
	return page
}

// TestHeard: every sample that a page plays is recorded, once and in order,
// however busy the page is.
func TestHeard(t *testing.T) {
	page := mustPage(t, stage)
	page.Click("button")
	page.Wait("heard.pieces.length > 20")
	page.Eval("void (() => { for (const end = performance.now() + 700; performance.now() < end; ); })()", nil)
	page.Wait("heard.pieces.length > 150")
	var heard []float32
	for range 2 {
		heard = append(heard, page.Heard().Samples...)
		page.Wait("heard.pieces.length > 20")
	}
	first := slices.IndexFunc(heard, func(sample float32) bool { return sample != 0 })
	if first < 0 || len(heard)-first < 48000 {
		t.Fatalf("%d samples, the first that is no silence is %d", len(heard), first)
	}
	for i, sample := range heard[first:] {
		if want := heard[first] + float32(i)/(1<<22); sample != want {
			t.Fatalf("sample %d is %v, want %v", first+i, sample, want)
		}
	}
}

// TestNoSoundWithoutClick: evaluating is no gesture of the user.
func TestNoSoundWithoutClick(t *testing.T) {
	page := mustPage(t, stage)
	var state string
	page.Eval("new AudioContext().state", &state)
	if state != "suspended" {
		t.Errorf("an AudioContext that nobody has clicked for is %s", state)
	}
}

func TestFindsFaults(t *testing.T) {
	page := mustPage(t, `<!doctype html><html lang="en"><title>A page</title><main><h1>A page</h1><img src="x.png"></main><script>undefined.x</script>`)
	if found := page.Axe(); len(found) != 1 || !strings.HasPrefix(found[0], "image-alt") {
		t.Errorf("axe finds %q, want the image without alt", found)
	}
	if thrown := page.Errors(); !slices.ContainsFunc(thrown, func(s string) bool { return strings.Contains(s, "TypeError") }) {
		t.Errorf("errors %q, want a TypeError", thrown)
	}
	before := page.Heap()
	page.Eval("void (window.kept = Array.from({ length: 1000 }, () => new Uint8Array(10_000).fill(7)))", nil)
	if grown := page.Heap() - before; grown < 10_000_000 {
		t.Errorf("ten megabytes make the heap grow by %d bytes", grown)
	}
	page.SetOffline(true)
	page.Wait("!navigator.onLine")
}
