package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"broadcastbot/internal/browser"
)

// studioLooks: the studio can be used by everybody, on a telephone and at a desk, by day and by
// night. With $SCREENSHOTS, a folder, it leaves pictures there.
func studioLooks(t *testing.T, b *browser.Browser, _ speech) {
	for _, size := range []struct{ width, height int }{{360, 740}, {768, 1024}, {1280, 800}} {
		for _, dark := range []bool{false, true} {
			colours := map[bool]string{false: "light", true: "dark"}[dark]
			look := func(p *speaking, name string) {
				p.mustLookWell(fmt.Sprintf("studio-%s-%s-%d", name, colours, size.width))
			}
			o := browser.Options{Width: size.width, Height: size.height, Dark: dark, Deaf: true}
			st := newStudioStation(t)
			p := mustOpenStudio(t, b, st, o)
			p.awaitMicrophone()
			look(p, "ready")
			p.Click("#rehearse")
			p.awaitWords("state", "Say something")
			look(p, "rehearsing")
			p.goOnAir()
			st.mustHave(50)
			look(p, "live")
			p.Click("#mute")
			st.line.SetCut(true)
			p.awaitWords("line", "No line: 3 s kept here")
			look(p, "linedown")
			p.Click("#big")
			p.Wait(`document.querySelector("#sure").open`)
			look(p, "sure")
			p.Close()
			st.line.SetCut(false)
			p = &speaking{Page: b.Open(t, o), t: t, station: st}
			p.Goto(st.line.URL() + "/studio/")
			p.awaitState("nolink")
			look(p, "nolink")
			p.Close()
		}
	}
}

// mustLookWell checks that nobody is shut out, and that the page fits the screen.
func (p *speaking) mustLookWell(name string) {
	p.t.Helper()
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		p.Screenshot(filepath.Join(dir, name+".png"))
	}
	for _, violation := range p.Axe() {
		p.t.Errorf("%s: %s", name, violation)
	}
	var overflow int
	p.Eval("document.documentElement.scrollWidth - innerWidth", &overflow)
	if overflow > 0 {
		p.t.Errorf("%s: the page is %d pixels wider than the screen", name, overflow)
	}
}
