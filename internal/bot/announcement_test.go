package bot

import (
	"bytes"
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

// testBroadcast is a show whose key is 00 01 02 … and iv a0 a1 a2 ….
func testBroadcast() *store.Broadcast {
	b := &store.Broadcast{
		ID: "AAAAAAAAAAAAAAAAAAAAAA", Room: room, Speaker: alice, Title: "Town hall", State: store.Live,
		Channels: 1, Bitrate: 32000, BlockDuration: 100 * time.Millisecond,
		Gateway: "https://radio.example.org", Event: "$announcement",
		StartedAt: time.UnixMilli(1795425442479),
	}
	for i := range b.Key.Secret {
		b.Key.Secret[i] = byte(i)
	}
	for i := range b.Key.IV {
		b.Key.IV[i] = 0xa0 + byte(i)
	}
	return b
}

// plainBroadcast is a show that is not encrypted.
func plainBroadcast() *store.Broadcast {
	b := testBroadcast()
	b.Plain, b.Key = true, opusblocks.Key{}
	return b
}

func finish(b *store.Broadcast, state store.State) *store.Broadcast {
	b.State = state
	b.Duration, b.Size, b.Blocks = 754300*time.Millisecond, 3456789, 7544
	b.SHA256, b.Seek = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg", "AQID"
	return b
}

func TestAnnouncement(t *testing.T) {
	reserved := testBroadcast()
	reserved.MXC = "mxc://example.org/reserved"
	untitled := testBroadcast()
	untitled.Title, untitled.Bitrate = "", 0
	hostile := testBroadcast()
	hostile.Title = `<b onclick="x">@room</b> & more`
	ended := finish(testBroadcast(), store.Ended)
	ended.MXC = "mxc://example.org/stored"
	interrupted := finish(testBroadcast(), store.Interrupted)
	ended.Wave = "AAD_"
	plain := finish(plainBroadcast(), store.Ended)
	plain.MXC, plain.Wave, plain.Bitrate = "mxc://example.org/stored", "AAD_", 0
	interrupted.Reason = "the source broke off: device unplugged\nand gone."

	for name, content := range map[string]*event.Content{
		"live":        announcement(testBroadcast(), "Alice"),
		"reserved":    announcement(reserved, "Alice"),
		"untitled":    announcement(untitled, "Alice"),
		"hostile":     announcement(hostile, `<i>Alice</i>`),
		"ended":       announcementEdit(ended, "Alice"),
		"interrupted": announcementEdit(interrupted, "Alice"),
		"plain":       announcement(plainBroadcast(), "Alice"),
		"plain-ended": announcementEdit(plain, "Alice"),
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
	b := testBroadcast()
	data, err := json.Marshal(announcement(b, "Alice"))
	if err != nil {
		t.Fatal(err)
	}
	var content struct {
		Block struct {
			File opusblocks.File `json:"file"`
		} `json:"org.broadcastbot.broadcast"`
	}
	if err := json.Unmarshal(data, &content); err != nil {
		t.Fatal(err)
	}
	if key, err := content.Block.File.Secret(); err != nil || key != b.Key {
		t.Errorf("the key in the block is not the show's (%v)", err)
	}
}

// TestLongestAnnouncementFits: an event has 64 KiB, of which encryption leaves
// three quarters.
func TestLongestAnnouncementFits(t *testing.T) {
	var table opusblocks.SeekTable
	for i := range int64(2000) {
		table.Add(opusblocks.Block{Offset: 1139 + i*400_000, Start: i * 480_000, Packets: [][]byte{{0x78}}})
	}
	b := finish(testBroadcast(), store.Interrupted)
	b.Title, b.Reason = strings.Repeat("ä", command.MaxTitle), "the recording cannot be written"
	b.Bitrate, b.Seek, b.Wave = 0, table.String(), strings.Repeat("A", waveformPoints*4/3)
	data, err := json.Marshal(announcementEdit(b, strings.Repeat("ü", 100)))
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > 45_000 {
		t.Errorf("the closing event has %d bytes", len(data))
	}
}

func TestVoiceMessage(t *testing.T) {
	b := finish(testBroadcast(), store.Ended)
	b.Title = "AC/DC: live?"
	message := voiceMessage(b, []int{0, 512, 1024})
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
