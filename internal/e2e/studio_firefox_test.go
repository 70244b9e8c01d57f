package e2e

import (
	"fmt"
	"testing"

	"broadcastbot/internal/browser"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/pulsetest"
)

// TestStudioFirefox speaks through the studio page in a real Firefox, into a microphone of PulseAudio,
// while the line is cut, and the page loaded again.
func TestStudioFirefox(t *testing.T) {
	pulsetest.Attempts(t, func() error { return speakInFirefox(t, mustSpeak(t, 30)) })
}

func speakInFirefox(t *testing.T, said speech) error {
	server := pulsetest.Start(t)
	microphone := server.Microphone(t, "microphone", "Microphone")
	server.Loudspeaker(t) // by whose clock Firefox captures
	f := browser.StartFirefox(t, `user_pref("media.navigator.permission.disabled", true);`)
	st := newStudioStation(t)
	f.Goto(st.line.URL() + "/studio/")
	f.Wait(`document.body.dataset.state === "nolink"`)
	f.Eval("void (() => {"+plainSound+"})()", nil)
	go microphone.Play(t.Context(), 3*len(said.sound), func(i int) int16 { return int16(32767 * said.sound[i%len(said.sound)]) })

	f.Goto(st.link) // in the same page: only what is behind the # is new
	f.Wait(`document.body.dataset.state === "ready"`)
	f.Click("#big")
	f.Wait(`document.body.dataset.mic === "open"`)
	f.Click("#big")
	f.Wait(`document.body.dataset.state === "live"`)
	st.mustHave(150)
	st.line.SetCut(true)
	f.Wait(`document.querySelector("#line").textContent.includes("No line: 3 s kept here")`)
	st.line.SetCut(false)
	st.mustHave(350)
	f.Reload()
	f.Wait(`document.body.dataset.state === "live"`)
	f.Wait(`document.body.dataset.mic === "open"`)
	st.mustHave(st.received() + 150)
	f.Click("#big")
	f.Click("#stop")
	f.Wait(`document.body.dataset.state === "ended"`)

	stretches, told := st.arrived(said)
	if len(stretches) < 2 || told < 0.5 || !isForward(stretches, len(said.sound)) {
		return fmt.Errorf("what arrived is %v, and %.0f %% of it can be told; want a stretch for each page at least, and nothing twice", stretches, 100*told)
	}
	return nil
}

// isForward reports whether each stretch is from later than the one before, of sound that is said again
// and again, so many samples long: nothing was sent twice. On a busy machine the sound server and the
// browser lose sound before the page hears it, so there may be more stretches than pages; what the page
// loses would be missing in the numbers of its packets, which the station checks.
func isForward(stretches []stretch, length int) bool {
	for i, s := range stretches[1:] {
		before := stretches[i]
		ahead := (s.sent - s.heard) - (before.sent - before.heard)
		if ahead = ((ahead+opus.FrameSize)%length + length) % length; ahead > length/2 {
			return false
		}
	}
	return true
}

// TestIsForward: of what was said twice, in a circle of 1000 frames.
func TestIsForward(t *testing.T) {
	const f = opus.FrameSize
	for name, test := range map[string]struct {
		stretches []stretch
		want      bool
	}{
		"lost":         {[]stretch{{0, 10 * f, 1}, {20 * f, 50 * f, 1}}, true},
		"round":        {[]stretch{{0, 990 * f, 1}, {20 * f, 30 * f, 1}}, true},
		"twice":        {[]stretch{{0, 10 * f, 1}, {20 * f, 20 * f, 1}}, false},
		"a bit behind": {[]stretch{{0, 10 * f, 1}, {20 * f, 30*f - 100, 1}}, true},
	} {
		if got := isForward(test.stretches, 1000*f); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
