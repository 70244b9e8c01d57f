package e2e

import (
	"fmt"
	"testing"

	"broadcastbot/internal/browser"
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
	if len(stretches) != 2 || told < 0.5 {
		return fmt.Errorf("what arrived is %v, and %.0f %% of it can be told; want 2 stretches, one for each page", stretches, 100*told)
	}
	return nil
}
