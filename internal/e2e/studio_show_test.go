package e2e

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"broadcastbot/internal/browser"
	"broadcastbot/store"
)

var studioLinkInText = regexp.MustCompile(`https?://\S+/studio/#\S+`)

// mustStudioLink returns the link that the bot sends Alice.
func (h *theatre) mustStudioLink(t testing.TB) string {
	t.Helper()
	text, err := h.AwaitDirect(t.Context(), studioLinkInText.MatchString)
	if err != nil {
		t.Fatal(err)
	}
	return studioLinkInText.FindString(text)
}

// TestWholeShowFromStudio: Alice says in an encrypted room that she wants to go on air, gets a link that
// nobody else reads, and speaks with her browser; Bob hears her with his. The station is killed in the
// middle of a sentence, and the recording is whole all the same.
func TestWholeShowFromStudio(t *testing.T) {
	s := mustSpeak(t, 30)
	b := browser.Start(t, microphoneFlags(t, s.sound)...)
	h := mustTheatre(t, "studio")
	h.mustSay(t, "!live start Town hall")
	alice := &speaking{Page: b.Open(t, browser.Options{Init: plainSound}), t: t}
	link := h.mustStudioLink(t)
	alice.Goto(link)
	alice.awaitState("ready")
	alice.awaitWords("room", "Town hall")
	alice.goOnAir()
	a, announced := h.mustState(t, store.StateLive)
	if a.Title != "Town hall" {
		t.Errorf("the show is called %q", a.Title)
	}
	bob := mustOpen(t, b, mustFindLink(t, announced.Content.AsMessage().Body), browser.Options{})
	bob.play()
	bob.awaitState("live")
	bob.awaitSound(2 * time.Second)
	alice.awaitWords("listeners", "1 listening")

	h.Kill()
	alice.awaitWords("state", "the line is down")
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	alice.awaitWords("line", "All has arrived")
	bob.awaitSound(2 * time.Second)
	alice.stop()
	h.mustState(t, store.StateEnded)
	bob.awaitEnd()

	_, secret, _ := strings.Cut(link, "#")
	if strings.Contains(h.mustLog(t), secret) {
		t.Error("the log has the secret")
	}
	sound, err := decode(mustRest(t, mustStream(t, a)))
	if err != nil {
		t.Fatal(err)
	}
	stretches, told := stretchesOf(t, sound, s)
	if len(stretches) != 1 || told < 0.7 {
		t.Errorf("recorded is %v, of which %.0f %% can be told; want one stretch", stretches, 100*told)
	}
}
