package bot

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/event"

	"broadcastbot/internal/command"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// testShow is a show whose key is 00 01 02 … and iv a0 a1 a2 …, and whose seed for signing is the
// key again.
func testShow() *store.Show {
	t := store.Track{
		ID: "AAAAAAAAAAAAAAAAAAAAAA", Gateway: "https://radio.example.org",
		Channels: 1, Bitrate: 32000, BlockDuration: 100 * time.Millisecond,
	}
	for i := range t.Key.Secret {
		t.Key.Secret[i] = byte(i)
	}
	for i := range t.Key.IV {
		t.Key.IV[i] = 0xa0 + byte(i)
	}
	t.Signing = ed25519.NewKeyFromSeed(t.Key.Secret[:])
	return &store.Show{
		ID: t.ID, Speaker: alice, Title: "Town hall", Stage: store.Live, StartedAt: time.UnixMilli(1795425442479),
		Tracks: []store.Track{t}, Announcements: []store.Announcement{{Room: room, Event: "$announcement"}},
	}
}

// plainShow is a show that is not encrypted.
func plainShow() *store.Show {
	show := testShow()
	show.Main().Plain, show.Main().Key = true, opusblocks.Key{}
	return show
}

// finish ends the show, by itself where there is no reason.
func finish(show *store.Show, reason string) *store.Show {
	show.Stage, show.Reason = store.Concluding, reason
	show.Main().Recap = store.Recap{
		Extent: store.Extent{Duration: 754300 * time.Millisecond, Size: 3456789, Blocks: 7544},
		SHA256: "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg", Seek: "AQID",
	}
	return show
}

func TestAnnouncement(t *testing.T) {
	reserved := testShow()
	reserved.Main().Reserved = "mxc://example.org/reserved"
	untitled := testShow()
	untitled.Title, untitled.Main().Bitrate = "", 0
	untitled.Main().Signing = nil
	hostile := testShow()
	hostile.Title = `<b onclick="x">@room</b> & more`
	ended := finish(testShow(), "")
	ended.Main().MXC, ended.Main().Wave = "mxc://example.org/stored", "AAD_"
	interrupted := finish(testShow(), "the source broke off: device unplugged\nand gone.")
	plain := finish(plainShow(), "")
	plain.Main().MXC, plain.Main().Wave, plain.Main().Bitrate = "mxc://example.org/stored", "AAD_", 0

	for name, content := range map[string]*event.Content{
		"live":        announcement(testShow(), "Alice"),
		"reserved":    announcement(reserved, "Alice"),
		"untitled":    announcement(untitled, "Alice"),
		"hostile":     announcement(hostile, `<i>Alice</i>`),
		"ended":       announcementEdit(ended, "$announcement", "Alice"),
		"interrupted": announcementEdit(interrupted, "$announcement", "Alice"),
		"plain":       announcement(plainShow(), "Alice"),
		"plain-ended": announcementEdit(plain, "$announcement", "Alice"),
	} {
		t.Run(name, func(t *testing.T) {
			data, err := json.Marshal(content)
			if err != nil {
				t.Fatal(err)
			}
			checkGolden(t, "announcement-"+name+".json", data)
		})
	}
}

// TestAnnouncementOpens: whoever has the event has the key, twice over.
func TestAnnouncementOpens(t *testing.T) {
	show := testShow()
	data, err := json.Marshal(announcement(show, "Alice"))
	if err != nil {
		t.Fatal(err)
	}
	var content struct {
		Fields struct {
			File opusblocks.File `json:"file"`
		} `json:"org.broadcastbot.broadcast"`
	}
	if err := json.Unmarshal(data, &content); err != nil {
		t.Fatal(err)
	}
	if key, err := content.Fields.File.Secret(); err != nil || key != show.Main().Key {
		t.Errorf("the key in the announcement is not the show's (%v)", err)
	}
}

// TestLongestAnnouncementFits: an event has 64 KiB, of which encryption leaves
// three quarters.
func TestLongestAnnouncementFits(t *testing.T) {
	var table opusblocks.SeekTable
	for i := range int64(2000) {
		table.Add(opusblocks.Block{Offset: 1139 + i*400_000, Start: i * 480_000, Packets: [][]byte{{0x78}}})
	}
	show := finish(testShow(), "the recording cannot be written")
	show.Title = strings.Repeat("ä", command.MaxTitle)
	main := show.Main()
	main.Bitrate, main.Seek, main.Wave = 0, table.String(), strings.Repeat("A", 120*4/3)
	data, err := json.Marshal(announcementEdit(show, "$announcement", strings.Repeat("ü", 100)))
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > 45_000 {
		t.Errorf("the closing event has %d bytes", len(data))
	}
}

func TestVoiceMessage(t *testing.T) {
	show := finish(testShow(), "")
	show.Title, show.Main().Wave = "AC/DC: live?", "AID_" // 0, 128, 255
	message := voiceMessage(show)
	message.RelatesTo = (&event.RelatesTo{}).SetReplyTo("$announcement")
	message.URL = "mxc://example.org/voice"
	data, err := json.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	checkGolden(t, "voice.json", data)
}

// checkGolden compares JSON with a file in testdata.
func checkGolden(t *testing.T, name string, data []byte) {
	t.Helper()
	var content any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&content); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	encoder := json.NewEncoder(&got)
	encoder.SetEscapeHTML(false) // for people who read the file
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(content); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s differs (go test -update writes it anew), got:\n%s", name, &got)
	}
}
