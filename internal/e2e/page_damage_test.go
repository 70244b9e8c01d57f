package e2e

import (
	"crypto/ed25519"
	"slices"
	"testing"
	"time"

	"broadcastbot/internal/browser"
	"broadcastbot/internal/link"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/showtest"
	"broadcastbot/opusblocks"
)

// pageDamage: whatever is done to the bytes, nothing is heard but a beginning of
// the show that the station has signed, and the page says what is wrong.
func pageDamage(t *testing.T, b *browser.Browser) {
	s := mustSpeak(t, 8)
	const at = 66     // the block with the moment 6.5 s
	const proven = 51 // blocks: the second checkpoint is in the last of them
	until := time.Duration(proven)*showtest.PerBlock*showtest.PacketDuration - opus.Duration(int64(showtest.Head.PreSkip))
	for _, test := range []struct {
		name  string
		state string
		until time.Duration
		edit  func(blocks [][]byte) [][]byte
	}{
		{"Flipped", "damaged", until, func(blocks [][]byte) [][]byte {
			blocks[at][40] ^= 1
			return blocks
		}},
		{"Swapped", "damaged", until, func(blocks [][]byte) [][]byte {
			blocks[at], blocks[at+1] = blocks[at+1], blocks[at]
			return blocks
		}},
		{"Repeated", "damaged", until, func(blocks [][]byte) [][]byte {
			return slices.Insert(blocks, at, blocks[at-1])
		}},
		{"LeftOut", "damaged", until, func(blocks [][]byte) [][]byte {
			return slices.Delete(blocks, at, at+1)
		}},
		{"CutBetweenBlocks", "interrupted", until, func(blocks [][]byte) [][]byte {
			return blocks[:at]
		}},
		{"CutInBlock", "interrupted", until, func(blocks [][]byte) [][]byte {
			return append(blocks[:at:at], blocks[at][:100])
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			show := showtest.Reserve(t, showtest.Kind{Signed: true})
			show.Append(t, slices.Concat(test.edit(show.Blocks(t, s.packets))...))
			show.Close(t)
			l := mustPlay(t, b, show)
			l.awaitSound(2 * time.Second)
			l.awaitState(test.state)
			l.awaitEnd()
			mustHear(t, l.passages(s), expected{from: 0, to: test.until})
		})
	}
}

// pageRefusals: links that lead nowhere are told apart, and are silent.
func pageRefusals(t *testing.T, b *browser.Browser) {
	show, _ := mustRecord(t, 2)
	deleted, _ := mustRecord(t, 1)
	deleted.Delete(t)
	plain := showtest.Begin(t, showtest.Kind{Plain: true, Signed: true})
	plain.Speak(t, mustSpeak(t, 2).packets)
	plain.Finish(t)
	page := show.Line.URL() + "/listen/" + show.ID
	for _, test := range []struct{ name, link, state string }{
		{"WrongKey", page + "#" + opusblocks.NewKey().Fragment(), "wrongkey"},
		{"CutKey", page + "#" + show.Key.Fragment()[:40], "wrongkey"},
		{"NoKey", page, "wrongkey"},
		{"PlainBehindKey", plain.Line.URL() + "/listen/" + plain.ID + "#" + show.Key.Fragment(), "damaged"},
		{"CutSigner", show.Link()[:len(show.Link())-1], "wrongkey"},
		{"NoSignature", show.Link() + "&signer=" + link.FormatSigner(make([]byte, ed25519.PublicKeySize)), "notsigned"},
		{"Deleted", deleted.Link(), "deleted"},
		{"Unknown", show.Line.URL() + "/listen/AAAAAAAAAAAAAAAAAAAAAA#" + show.Key.Fragment(), "unavailable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := mustOpen(t, b, test.link, browser.Options{})
			l.awaitState(test.state)
			l.Eval(`document.querySelector("#play")?.click()`, nil)
			var sound int
			l.Eval("heard.sound", &sound)
			if sound > 0 {
				t.Errorf("%d samples are heard", sound)
			}
		})
	}
}

// pageDeletedWhileListening: what is deleted is not played to its end.
func pageDeletedWhileListening(t *testing.T, b *browser.Browser) {
	show, s, _ := mustAir(t, 20)
	l := mustPlay(t, b, show)
	l.awaitSound(time.Second)
	show.Delete(t)
	l.awaitState("deleted")
	l.awaitSilence()
	mustBeSeamless(t, l.passages(s), atSpeed)
}
