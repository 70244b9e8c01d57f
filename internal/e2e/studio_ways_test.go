package e2e

import (
	"testing"

	"broadcastbot/internal/browser"
)

// studioSettings: what the speaker changes while on air costs no packet.
func studioSettings(t *testing.T, b *browser.Browser, said speech) {
	st, p := mustGoOnAir(t, b, "", 100)
	p.Wait(`document.querySelector("#device").options.length > 1`)
	p.Eval(`void (() => { const list = document.querySelector("#device"); list.selectedIndex = list.options.length - 1; list.dispatchEvent(new Event("change")); })()`, nil)
	var chosen, asked string
	p.Eval(`document.querySelector("#device").value`, &chosen)
	st.mustHave(st.received() + 50)
	p.Click("#audio") // music
	st.mustHave(st.received() + 150)
	p.Click("#mute")
	muted := st.received() + 20
	st.mustHave(muted + 50)
	p.awaitWords("state", "muted")
	p.Reload()
	p.speakOn()
	p.awaitWords("state", "muted")
	st.mustHave(st.received() + 50)
	p.Eval(`document.querySelector("#device").value`, &asked)
	if chosen == "" || chosen == "default" || asked != chosen {
		t.Errorf("after a reload the microphone is %q, not %q", asked, chosen)
	}
	p.stop()
	if voice, music := st.packets[50][0]>>3, st.packets[muted-40][0]>>3; voice >= 16 || music < 16 {
		t.Errorf("a packet of voice has configuration %d and one of music %d (RFC 6716, table 2)", voice, music)
	}
	sound, err := decode(st.packets)
	if err != nil {
		t.Fatal(err)
	}
	for i, sample := range sound[960*muted:] {
		if max(sample, -sample) > 0.001 {
			t.Fatalf("who is muted is heard: sample %d is %v", i, sample)
		}
	}
}

// studioRehearsal: the speaker hears what they have said, and nobody else does.
func studioRehearsal(t *testing.T, b *browser.Browser, said speech) {
	st := newStudioStation(t)
	p := mustOpenStudio(t, b, st, browser.Options{})
	p.awaitMicrophone()
	p.Wait(`!document.querySelector("#rehearse").hidden`)
	p.Click("#rehearse")
	p.awaitWords("rehearselabel", "Hear it (7)")
	p.Heard()
	p.Click("#rehearse")
	p.awaitWords("rehearselabel", "Rehearse")
	heard := p.Heard()
	stretches, told := stretchesOf(t, heard.Samples, said)
	if len(stretches) != 1 || told < 0.5 {
		t.Errorf("the rehearsal is heard in %v, %.0f %% of it can be told", stretches, 100*told)
	}
	if st.source != "" || st.received() > 0 {
		t.Error("a rehearsal is no show")
	}
	p.mustBeWell()
	p.goOnAir() // as if nothing had been
	st.mustHave(100)
	p.stop()
	p.mustArrive(said, 1)
}

// studioAnotherDevice: the newer one speaks, and the older one says so, until its speaker wants it back.
func studioAnotherDevice(t *testing.T, b *browser.Browser, said speech) {
	st, p := mustGoOnAir(t, b, "", 100)
	newer := &speaking{Page: b.Open(t, browser.Options{Init: plainSound}), t: t, station: st}
	newer.Goto(st.link)
	p.awaitState("replaced")
	newer.awaitState("live")
	have := st.received()
	newer.awaitMicrophone()
	st.mustHave(have + 200)
	p.awaitWords("big", "Speak here")
	p.Click("#big")
	newer.awaitState("replaced")
	p.awaitState("live")
	have = st.received()
	st.mustHave(have + 100)
	p.stop()
	p.mustArrive(said, 3)
	newer.mustBeWell()
}

// studioAnotherTab: in one browser the newer tab takes over before it speaks.
func studioAnotherTab(t *testing.T, b *browser.Browser, said speech) {
	st, p := mustGoOnAir(t, b, "", 50)
	st.line.SetCut(true) // the station cannot tell it
	p.Eval(`navigator.locks.query().then(({ held }) => void navigator.locks.request(held[0].name, { steal: true }, () => new Promise(() => {})))`, nil)
	p.awaitState("replaced")
}

// studioOldBrowser: what the browser lacks, the page brings.
func studioOldBrowser(t *testing.T, b *browser.Browser, said speech) {
	_, p := mustGoOnAir(t, b, `delete window.AudioEncoder;`, 400)
	p.stop()
	p.mustBeWell()
	p.mustArrive(said, 1)
}

// studioOtherRate: where the sound card has another rate, and the browser leaves that to the page.
func studioOtherRate(t *testing.T, b *browser.Browser, said speech) {
	_, p := mustGoOnAir(t, b, `
AudioContext = class extends AudioContext {
	constructor(options) { super(options?.sampleRate ? options : { sampleRate: 44100 }); }
	createMediaStreamSource(stream) {
		if (this.sampleRate === 48000) throw new DOMException("another rate", "NotSupportedError");
		return super.createMediaStreamSource(stream);
	}
};`, 400)
	p.stop()
	p.mustBeWell()
	p.mustArrive(said, 1)
}

// studioTrouble: whoever cannot be heard reads why, and what to do.
func studioTrouble(t *testing.T, b *browser.Browser, said speech) {
	st := newStudioStation(t)
	p := mustOpenStudio(t, b, st, browser.Options{Init: `
localStorage.setItem("broadcastbot.studio.device", '"one that was pulled out"');
window.locks = 0;
navigator.wakeLock.request = async () => (locks++, Object.assign(new EventTarget(), { release: async () => void locks-- }));
const ask = MediaDevices.prototype.getUserMedia;
MediaDevices.prototype.getUserMedia = async function (wishes) {
	if (window.trouble) throw new DOMException("no", trouble);
	return (window.stream = await ask.call(this, wishes));
};
window.trouble = "NotAllowedError";`})
	for trouble, words := range map[string]string{
		"NotAllowedError": "does not let this page use the microphone", "NotFoundError": "There is no microphone", "NotReadableError": "another program uses it",
	} {
		p.Eval("void (window.trouble = "+quote(trouble)+")", nil)
		p.Click("#big")
		p.awaitWords("state", words)
	}
	leaves := func() (freely bool) {
		p.Eval(`dispatchEvent(new Event("beforeunload", { cancelable: true }))`, &freely)
		return freely
	}
	if !leaves() {
		t.Error("who is not on air is asked whether they want to leave")
	}
	p.Eval("void (window.trouble = '')", nil)
	p.goOnAir()
	st.mustHave(50)
	p.Wait("locks === 1")
	if leaves() {
		t.Error("who is on air leaves without being asked")
	}
	p.Eval(`stream.getTracks().forEach((track) => { track.stop(); track.dispatchEvent(new Event("ended")); })`, nil)
	p.awaitWords("state", "nothing is heard")
	p.awaitWords("big", "Speak on")
	have := st.received()
	p.Click("#big")
	st.mustHave(have + 50)
	p.awaitWords("big", "Stop")
	p.stop()
	p.Wait("locks === 0")
	p.mustBeWell()
}

// TestStudioWarns: who is too loud, or not heard, is told while they speak.
func TestStudioWarns(t *testing.T) {
	sound := make([]float32, 12*48000)
	for i := range sound[:6*48000] {
		sound[i] = float32(2*(i/100%2) - 1) // a square wave
	}
	b := browser.Start(t, microphoneFlags(t, sound)...)
	p := mustOpenStudio(t, b, newStudioStation(t), browser.Options{})
	p.awaitMicrophone()
	for range 2 {
		p.awaitWords("warning", "Too loud")
		p.awaitWords("warning", "Nothing is heard")
	}
	p.Click("#mute")
	p.Wait(`document.querySelector("#warning").textContent === ""`)
	for _, violation := range p.Axe() {
		t.Error(violation)
	}
}
