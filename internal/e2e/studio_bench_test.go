package e2e

import (
	"testing"
	"time"

	"broadcastbot/internal/browser"
	"broadcastbot/internal/opus"
	"broadcastbot/store"
)

// stopwatch notes when the studio page sends packets, and when it hears that they are on the
// station's disk; ms since 1970.
const stopwatch = `
window.sent = [];
window.stored = [];
const wall = () => performance.timeOrigin + performance.now();
window.WebSocket = class extends WebSocket {
	constructor(...where) {
		super(...where);
		this.addEventListener("message", ({ data }) => {
			const message = typeof data === "string" ? JSON.parse(data) : {};
			if (message.type === "durable") stored.push({ number: message.next - 1, wall: wall() });
		});
	}
	send(data) {
		if (typeof data !== "string") {
			const view = new DataView(data.buffer, data.byteOffset);
			sent.push({ number: view.getUint32(0, true), captured: Number(view.getBigUint64(4, true)), wall: wall() });
		}
		super.send(data);
	}
};`

// noted is what the stopwatch says of a message.
type noted struct {
	Number         int
	Captured, Wall float64
}

// BenchmarkMouthToEar prints how long sound takes from the studio page's microphone, in one browser,
// through a station and an encrypted room to the ear of who listens with another: all of it, and how
// much of it is over when the page sends a packet, and when it hears that the station has that on disk.
func BenchmarkMouthToEar(b *testing.B) {
	said := mustSpeak(b, 30)
	browsers := browser.Start(b, microphoneFlags(b, said.sound)...)
	for b.Loop() {
		h := mustTheatre(b, "studio")
		h.mustSay(b, "!live start Town hall")
		alice := &speaking{Page: browsers.Open(b, browser.Options{Init: plainSound + stopwatch, Deaf: true}), t: b}
		alice.Goto(h.mustStudioLink(b))
		alice.awaitState("ready")
		alice.goOnAir()
		a, announced := h.mustState(b, store.StateLive)
		bob := mustOpen(b, browsers, mustFindLink(b, announced.Content.AsMessage().Body), browser.Options{})
		bob.play()
		bob.awaitSound(4 * time.Second)
		bob.Heard()
		bob.awaitSound(10 * time.Second)
		heard := bob.Heard()
		var sent, stored []noted
		alice.Eval("sent", &sent)
		alice.Eval("stored", &stored)
		alice.stop()
		recorded, err := decode(mustRest(b, mustStream(b, a)))
		if err != nil {
			b.Fatal(err)
		}
		captured := capturedAt(sent)
		report(b, "sent", since(captured, sent))
		report(b, "on-disk", since(captured, stored))
		report(b, "ear", untilHeard(captured, heard, recognise(heard.Samples, recorded)))
	}
}

// capturedAt says when each packet ended at the microphone; ms since 1970.
func capturedAt(sent []noted) map[int]float64 {
	captured := make(map[int]float64)
	for i, s := range sent {
		if i+1 == len(sent) || sent[i+1].Number == s.Number+1 { // of one packet: its own time
			captured[s.Number] = s.Captured
		}
	}
	return captured
}

// since says how long it took from the microphone to what was noted.
func since(captured map[int]float64, notes []noted) (took []time.Duration) {
	for _, n := range notes {
		if at, known := captured[n.Number]; known {
			took = append(took, time.Duration((n.Wall-at)*float64(time.Millisecond)))
		}
	}
	return took
}

// untilHeard says how long the first sample of each packet took to the ear.
func untilHeard(captured map[int]float64, heard browser.Heard, passages []passage) (took []time.Duration) {
	const packet = float64(opus.FrameSize) * 1000 / opus.SampleRate // ms
	for number, end := range captured {
		first := number * opus.FrameSize
		for _, p := range passages {
			if p.sent != nowhere && first >= p.sent && first < p.sent+p.length {
				spoken := time.UnixMicro(int64((end - packet) * 1000))
				took = append(took, heard.At(p.heard+first-p.sent).Sub(spoken))
			}
		}
	}
	return took
}
