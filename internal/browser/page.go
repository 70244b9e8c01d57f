package browser

import (
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"sync"
	"testing"
	"time"
)

//go:embed heard.js
var tap string

// Options say how a page is opened.
type Options struct {
	Width, Height int    // of the viewport; 0 is 1280x800
	Dark          bool   // the person prefers dark colours
	Init          string // script that runs before the page's own
	Deaf          bool   // nothing that is heard is recorded
}

// Page is a page with storage and a network of its own. What it cannot do
// fails the test. It belongs to one goroutine.
type Page struct {
	t       testing.TB
	browser *Browser
	number  int
	once    sync.Once
}

// Open opens an empty page.
func (b *Browser) Open(t testing.TB, o Options) *Page {
	t.Helper()
	if o.Width == 0 {
		o.Width, o.Height = 1280, 800
	}
	init := o.Init
	if !o.Deaf {
		init = tap + init
	}
	b.mu.Lock()
	b.pages++
	p := &Page{t: t, browser: b, number: b.pages}
	b.mu.Unlock()
	p.must("open", map[string]any{"width": o.Width, "height": o.Height, "dark": o.Dark, "init": init}, nil)
	t.Cleanup(p.Close)
	return p
}

// Close closes the page. The end of the test does it, too.
func (p *Page) Close() {
	p.once.Do(func() { p.browser.command(p.number, "close", nil) })
}

func (p *Page) must(name string, fields map[string]any, result any) {
	p.t.Helper()
	value, err := p.browser.command(p.number, name, fields)
	if err == nil && result != nil {
		err = json.Unmarshal(value, result)
	}
	if err != nil {
		complaints, _ := p.browser.command(p.number, "errors", nil)
		p.t.Fatalf("the page cannot %s: %v; its complaints: %s", name, err, complaints)
	}
}

// Goto loads an address.
func (p *Page) Goto(url string) {
	p.t.Helper()
	p.must("goto", map[string]any{"url": url}, nil)
}

// Reload loads the page once more.
func (p *Page) Reload() {
	p.t.Helper()
	p.must("reload", nil, nil)
}

// Eval evaluates an expression, awaits it, and puts its value into result
// unless that is nil.
func (p *Page) Eval(expression string, result any) {
	p.t.Helper()
	p.must("eval", map[string]any{"expression": expression}, result)
}

// Wait waits until an expression is true.
func (p *Page) Wait(expression string) {
	p.t.Helper()
	p.must("wait", map[string]any{"expression": expression, "patience": patience.Milliseconds()}, nil)
}

// Click clicks the element that a CSS selector finds, as a mouse does.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.must("click", map[string]any{"selector": selector}, nil)
}

// Press presses a key, such as "ArrowLeft" or "Shift+Tab", with the focus on an
// element, or where it is if the selector is empty.
func (p *Page) Press(selector, key string) {
	p.t.Helper()
	p.must("press", map[string]any{"selector": selector, "key": key}, nil)
}

// SetOffline takes the network from the page, or gives it back.
func (p *Page) SetOffline(offline bool) {
	p.t.Helper()
	p.must("offline", map[string]any{"offline": offline}, nil)
}

// Screenshot writes a picture of the whole page, a PNG file.
func (p *Page) Screenshot(path string) {
	p.t.Helper()
	p.must("screenshot", map[string]any{"path": path}, nil)
}

// Axe returns what axe-core finds wrong for people who use the page with other
// senses or tools.
func (p *Page) Axe() (violations []string) {
	p.t.Helper()
	p.must("axe", nil, &violations)
	return violations
}

// Errors returns what the page has thrown and complained about.
func (p *Page) Errors() (errors []string) {
	p.t.Helper()
	p.must("errors", nil, &errors)
	return errors
}

// Heap returns the bytes of memory that the page's scripts hold on to.
func (p *Page) Heap() (bytes int64) {
	p.t.Helper()
	var used float64
	p.must("heap", nil, &used)
	return int64(used)
}

// Heard is sound that the page has sent to the loudspeaker, one channel at
// 48 kHz, silence included.
type Heard struct {
	Samples []float32
	Start   time.Time     // when the first sample was rendered, if no time was lost since
	Latency time.Duration // from there to the ear
}

// At returns when a sample came to the ear.
func (h Heard) At(sample int) time.Time {
	return h.Start.Add(time.Duration(sample)*time.Second/48000 + h.Latency)
}

// Heard returns what was heard since the last call.
func (p *Page) Heard() Heard {
	p.t.Helper()
	var taken struct {
		Samples string
		Walls   []float64 // ms since 1970, when a piece had been rendered
		Sizes   []int
		Latency float64 // seconds
	}
	p.Eval("heard.take()", &taken)
	raw, err := base64.StdEncoding.DecodeString(taken.Samples)
	if err != nil {
		p.t.Fatal(err)
	}
	h := Heard{Samples: make([]float32, len(raw)/4), Latency: time.Duration(taken.Latency * float64(time.Second))}
	for i := range h.Samples {
		h.Samples[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	// Pieces are held up on their way here, but never come early.
	start, samples := math.Inf(1), 0
	for i, wall := range taken.Walls {
		samples += taken.Sizes[i]
		start = min(start, wall-float64(samples)/48)
	}
	if samples > 0 {
		h.Start = time.UnixMicro(int64(start * 1000))
	}
	return h
}
