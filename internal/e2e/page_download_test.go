package e2e

import (
	"bytes"
	"encoding/base64"
	"testing"

	"broadcastbot/internal/browser"
	"broadcastbot/internal/opus"
)

// kept keeps the file that the page offers for download: a browser without a
// window cannot ask where to.
const kept = `
delete window.showSaveFilePicker;
{
	const create = URL.createObjectURL;
	URL.createObjectURL = (blob) => ((window.offered = blob), create.call(URL, blob));
}`

// pageDownload: what is downloaded is an ordinary file with the packets that
// were sent, which other programs play.
func pageDownload(t *testing.T, b *browser.Browser) {
	show, s := mustRecord(t, 33)
	l := mustOpen(t, b, show.Link(), browser.Options{Init: kept})
	l.awaitState("ended")
	l.Eval("void delete window.offered", nil) // the page makes silence, too
	l.Click("#download")
	l.Wait("Boolean(window.offered)")
	var text string
	l.Eval(`offered.arrayBuffer().then((buffer) => Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("")).then(btoa)`, &text)
	file, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "the download", mustUnpad(t, mustPackets(t, bytes.NewReader(file)))[:len(s.packets)], s.packets)
	mustDecode(t, file)
	mustKeepSecret(t, show)
	l.mustBeWell()
}

// mustUnpad takes away what only checkpoints put into packets.
func mustUnpad(t testing.TB, packets [][]byte) (frames [][]byte) {
	t.Helper()
	for _, packet := range packets {
		short, err := opus.Unpad(nil, packet)
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, short)
	}
	return frames
}
