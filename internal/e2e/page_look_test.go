package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"broadcastbot/internal/browser"
	"broadcastbot/internal/showtest"
)

// pageLooks: the page can be used by everybody, on a telephone and at a desk, by
// day and by night. With $SCREENSHOTS, a folder, it leaves pictures there.
func pageLooks(t *testing.T, b *browser.Browser) {
	s := mustSpeak(t, 30)
	live := showtest.NewSigned(t)
	live.Speak(t, s.packets[:500])
	live.Air(t, slices.Repeat(s.packets, 10)) // longer than this takes
	ended, _ := mustRecord(t, 20)
	damaged := showtest.Reserve(t, showtest.Kind{Signed: true})
	blocks := damaged.Blocks(t, s.packets[:400])
	blocks[66][50] ^= 1
	damaged.Append(t, slices.Concat(blocks...))
	damaged.Close(t)
	wrongKey := ended.Link()[:len(ended.Link())-10]

	for _, size := range []struct{ width, height int }{{360, 740}, {1280, 800}} {
		for _, dark := range []bool{false, true} {
			for _, look := range []struct{ name, link, state string }{
				{"live", live.Link(), "live"},
				{"ended", ended.Link(), "ended"},
				{"damaged", damaged.Link(), "damaged"},
				{"wrongkey", wrongKey, "wrongkey"},
			} {
				o := browser.Options{Width: size.width, Height: size.height, Dark: dark}
				l := mustOpen(t, b, look.link, o)
				if look.state != "wrongkey" {
					l.play()
					l.awaitSound(time.Second)
				}
				l.awaitState(look.state)
				colours := map[bool]string{false: "light", true: "dark"}[dark]
				name := fmt.Sprintf("%s-%s-%dx%d", look.name, colours, size.width, size.height)
				for _, violation := range l.Axe() {
					t.Errorf("%s: %s", name, violation)
				}
				var overflow int
				l.Eval("document.documentElement.scrollWidth - innerWidth", &overflow)
				if overflow > 0 {
					t.Errorf("%s: the page is %d pixels wider than the screen", name, overflow)
				}
				if dir := os.Getenv("SCREENSHOTS"); dir != "" {
					l.Screenshot(filepath.Join(dir, name+".png"))
				}
				l.Close()
			}
		}
	}
}
