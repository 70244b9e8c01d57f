package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"broadcastbot/internal/browser"
	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/showtest"
	"broadcastbot/store"
)

// TestWholeShowInBrowser: the link that a member of an encrypted room reads
// plays the show, live and later.
func TestWholeShowInBrowser(t *testing.T) {
	b := browser.Start(t)
	s := mustSpeak(t, 14)
	h := mustTheatre(t, "file:"+mustOpusFile(t, s.packets))
	h.mustSay(t, "!live start Town hall")
	_, announced := h.mustState(t, store.StateLive)
	link := mustFindLink(t, announced.Content.AsMessage().Body)

	l := mustOpen(t, b, link, browser.Options{})
	l.play()
	l.awaitState("live")
	l.awaitState("ended")
	l.awaitEnd()
	passages := l.passages(s)
	mustBeSeamless(t, passages, atSpeed)
	mustLast(t, passages, 6*time.Second)
	l.mustBeWell()

	_, edit := h.mustState(t, store.StateEnded)
	l = mustOpen(t, b, mustFindLink(t, edit.Content.AsMessage().NewContent.Body), browser.Options{})
	l.play()
	l.awaitSound(time.Second)
	l.awaitEnd()
	mustHear(t, l.passages(s), expected{from: 0, to: s.length()})
	l.mustBeWell()
}

var linkInText = regexp.MustCompile(`https?://\S+/listen/\S+#\S+`)

func mustFindLink(t testing.TB, body string) string {
	t.Helper()
	found := linkInText.FindString(body)
	if found == "" {
		t.Fatal("the message has no link")
	}
	return found
}

func mustOpusFile(t testing.TB, packets [][]byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "speech.opus")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := oggopus.NewWriter(f, oggopus.Head{Channels: 1, PreSkip: showtest.Head.PreSkip, InputSampleRate: opus.SampleRate}, oggopus.Tags{Vendor: "test"})
	for _, packet := range packets {
		if err := w.WritePacket(packet); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(0); err != nil {
		t.Fatal(err)
	}
	return path
}
