package bot

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/dendrite"
	"broadcastbot/internal/opus"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
)

// TestShowEncrypted: a show from its announcement to the voice message, as
// another member sees it.
func TestShowEncrypted(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := alice.newRoom(t, true, radio.options.User)
	alice.awaitMembership(t, room, radio.options.User, event.MembershipJoin)
	b := newShow(t, room)

	live := mustAnnounce(t, radio, alice, b)
	if live.Mautrix.EventSource&event.SourceDecrypted == 0 {
		t.Error("the announcement, with the key in it, is not encrypted")
	}
	if got := blockOf(t, live.Content.Raw); got.State != store.Live || got.File.URL != b.MXC {
		t.Errorf("announced block %+v", got)
	}
	mustConclude(t, radio, b)

	checkEdit(t, alice, b)
	voice := awaitVoice(t, alice, b).Content.AsMessage()
	if voice.URL != "" || voice.File == nil {
		t.Fatalf("a voice message in clear text: %+v", voice)
	}
	ogg := mustDownload(t, alice, voice.File.URL)
	if err := voice.File.DecryptInPlace(ogg); err != nil {
		t.Fatal(err)
	}
	checkVoice(t, voice, ogg, b)
}

func TestShowInClearText(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := alice.newRoom(t, false, radio.options.User)
	alice.awaitMembership(t, room, radio.options.User, event.MembershipJoin)
	b := newShow(t, room)
	mustAnnounce(t, radio, alice, b)
	mustConclude(t, radio, b)
	checkEdit(t, alice, b)
	voice := awaitVoice(t, alice, b).Content.AsMessage()
	if voice.File != nil {
		t.Fatalf("an encrypted voice message in an unencrypted room: %+v", voice)
	}
	checkVoice(t, voice, mustDownload(t, alice, voice.URL), b)
}

// TestShowRepeated: whatever was done is not done again.
func TestShowRepeated(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := alice.newRoom(t, true, radio.options.User)
	alice.awaitMembership(t, room, radio.options.User, event.MembershipJoin)
	b := newShow(t, room)
	mustAnnounce(t, radio, alice, b)
	again := *b
	again.Event = "" // the answer was lost
	if err := radio.Announce(t.Context(), &again); err != nil || again.Event != b.Event {
		t.Errorf("announced again as %s (%v), want %s", again.Event, err, b.Event)
	}
	mustConclude(t, radio, b)
	voice, mxc := b.VoiceEvent, b.MXC
	b.Spool += ".gone" // it is not wanted any more
	if err := radio.Conclude(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if b.VoiceEvent != voice || b.MXC != mxc {
		t.Errorf("concluded again as %s %s, want %s %s", b.VoiceEvent, b.MXC, voice, mxc)
	}
	if strings.Contains(radio.log.String(), ".gone") {
		t.Error("the spool was opened again")
	}
}

// TestShowCutOff: of a show that a crash has cut off, the room gets what there
// is.
func TestShowCutOff(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := alice.newRoom(t, true, radio.options.User)
	alice.awaitMembership(t, room, radio.options.User, event.MembershipJoin)
	b := newShow(t, room)
	if err := os.Truncate(b.Spool, b.Size-10); err != nil {
		t.Fatal(err)
	}
	b.State, b.Reason = store.Interrupted, "the bot was restarted"
	mustAnnounce(t, radio, alice, b)
	if err := radio.Conclude(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	voice := awaitVoice(t, alice, b).Content.AsMessage()
	ogg := mustDownload(t, alice, voice.File.URL)
	if err := voice.File.DecryptInPlace(ogg); err != nil {
		t.Fatal(err)
	}
	if whole := oggOf(t, b); !bytes.Equal(ogg, whole) || len(ogg) < 100 {
		t.Errorf("%d bytes of voice message, want %d", len(ogg), len(whole))
	}
}

func TestShowTooLarge(t *testing.T) {
	t.Parallel()
	server := dendrite.RunWith(t, dendrite.Options{MaxUpload: 100})
	mustRegister(t, server, "radio")
	radio, alice := startRadio(t, radioOptions(t, server, t.TempDir())), newMember(t, server, "alice")
	room := alice.newRoom(t, false, radio.options.User)
	alice.awaitMembership(t, room, radio.options.User, event.MembershipJoin)
	b := newShow(t, room)
	mustAnnounce(t, radio, alice, b)
	mustConclude(t, radio, b)
	awaitEdit(t, alice, b)
	if b.MXCStored || b.VoiceEvent != "" {
		t.Errorf("the homeserver took a file that is too large: %+v", b)
	}
	if !strings.Contains(radio.log.String(), "stays at the gateway only") {
		t.Error("nobody is told where the recording is")
	}
}

// TestShowAfterKick: a room that has thrown the bot out is not waited for.
func TestShowAfterKick(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := alice.newRoom(t, false, radio.options.User)
	alice.awaitMembership(t, room, radio.options.User, event.MembershipJoin)
	b := newShow(t, room)
	mustAnnounce(t, radio, alice, b)
	if _, err := alice.KickUser(t.Context(), room, &mautrix.ReqKickUser{UserID: id.UserID(radio.options.User)}); err != nil {
		t.Fatal(err)
	}
	mustConclude(t, radio, b)
	if !strings.Contains(radio.log.String(), "does not let the bot tell") {
		t.Error("the log does not say that the room was not told")
	}
}

func TestSay(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := alice.newRoom(t, true, radio.options.User)
	alice.awaitMembership(t, room, radio.options.User, event.MembershipJoin)
	if err := radio.Say(t.Context(), room.String(), "Back in a minute."); err != nil {
		t.Fatal(err)
	}
	alice.await(t, "a notice", func(evt *event.Event) bool {
		content := evt.Content.AsMessage()
		return evt.RoomID == room && content.MsgType == event.MsgNotice && content.Body == "Back in a minute."
	})
}

// newShow is a finished recording of two seconds, the first half silence and the
// second a tone, not yet announced.
func newShow(t *testing.T, room id.RoomID) *store.Broadcast {
	t.Helper()
	b := testBroadcast()
	b.Room, b.Key, b.MXC, b.Event = room.String(), opusblocks.NewKey(), "", ""
	b.Spool = filepath.Join(t.TempDir(), "spool.mxc")
	f, err := os.Create(b.Spool)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := opusblocks.NewWriter(f, b.Key, opusblocks.Head{Channels: 1, PreSkip: 312, Title: b.Title, Speaker: b.Speaker, Started: b.StartedAt})
	if err != nil {
		t.Fatal(err)
	}
	for block := range slices.Chunk(mustPackets(t), 5) {
		if err := w.WriteBlock(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(nil, 0); err != nil {
		t.Fatal(err)
	}
	end := w.Position()
	b.Size, b.Blocks, b.Duration = end.Offset, int64(end.Sequence), 1993*time.Millisecond
	return b
}

// mustPackets encodes a second of silence and one of a tone.
func mustPackets(t *testing.T) (packets [][]byte) {
	t.Helper()
	encoder, err := opus.NewEncoder(opus.EncoderOptions{Channels: 1, Bitrate: 32000, Application: opus.Audio})
	if err != nil {
		t.Fatal(err)
	}
	frame := make([]int16, opus.FrameSize)
	for i := range 100 {
		for j := range frame {
			if i >= 50 {
				frame[j] = int16(8000 * math.Sin(2*math.Pi*440*float64(j)/opus.SampleRate)) // not quite smooth at its ends, still loud
			}
		}
		packet := make([]byte, opus.MaxPacketSize)
		n, err := encoder.Encode(frame, packet)
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, packet[:n])
	}
	return packets
}

func TestWaveform(t *testing.T) {
	b := newShow(t, room)
	for _, test := range []struct {
		name string
		size int64
	}{{"Whole", b.Size}, {"CutOff", b.Size - 100}} { // in this order: the file only gets shorter
		t.Run(test.name, func(t *testing.T) {
			if err := os.Truncate(b.Spool, test.size); err != nil {
				t.Fatal(err)
			}
			points, err := waveformOf(b)
			if err != nil || len(points) != waveformPoints {
				t.Fatalf("%d points (%v), want %d", len(points), err, waveformPoints)
			}
			if quiet, loud := points[waveformPoints/4], points[waveformPoints*3/4]; quiet > 50 || loud < 900 {
				t.Errorf("the silent half is drawn as %d, the loud one as %d of 1024", quiet, loud)
			}
		})
	}
}

// oggOf is the recording as anybody with the key would decrypt it.
func oggOf(t *testing.T, b *store.Broadcast) []byte {
	t.Helper()
	var ogg bytes.Buffer
	if err := decrypt(&ogg, b); err != nil {
		t.Fatal(err)
	}
	return ogg.Bytes()
}

// mustAnnounce announces the show and returns what a member gets.
func mustAnnounce(t *testing.T, r *radio, m *member, b *store.Broadcast) *event.Event {
	t.Helper()
	if err := r.Announce(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	return m.await(t, "the announcement", func(evt *event.Event) bool {
		return evt.ID.String() == b.Event && evt.Type == event.EventMessage
	})
}

func mustConclude(t *testing.T, r *radio, b *store.Broadcast) {
	t.Helper()
	b.State = store.Ended
	if err := r.Conclude(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// awaitEdit returns the newest edit of the announcement: with the file's
// address where it has one.
func awaitEdit(t *testing.T, m *member, b *store.Broadcast) block {
	t.Helper()
	var edited block
	m.await(t, "the edit", func(evt *event.Event) bool {
		if evt.Content.AsMessage().RelatesTo.GetReplaceID().String() != b.Event || evt.Type != event.EventMessage {
			return false
		}
		content, _ := evt.Content.Raw["m.new_content"].(map[string]any)
		edited = blockOf(t, content)
		return edited.File.URL == b.MXC
	})
	return edited
}

// checkEdit follows the edit to the file at the homeserver.
func checkEdit(t *testing.T, m *member, b *store.Broadcast) {
	t.Helper()
	if !b.MXCStored {
		t.Fatal("the recording is not at the homeserver")
	}
	edited := awaitEdit(t, m, b)
	if edited.State != store.Ended || edited.Size != b.Size || edited.Duration != b.Duration.Milliseconds() {
		t.Errorf("edited block %+v", edited)
	}
	spool, err := os.ReadFile(b.Spool)
	if err != nil {
		t.Fatal(err)
	}
	if stored := mustDownload(t, m, id.ContentURIString(edited.File.URL)); !bytes.Equal(stored, spool) {
		t.Errorf("%d bytes at the homeserver are not the %d of the spool", len(stored), len(spool))
	}
}

func awaitVoice(t *testing.T, m *member, b *store.Broadcast) *event.Event {
	t.Helper()
	evt := m.await(t, "the voice message", func(evt *event.Event) bool {
		return evt.ID.String() == b.VoiceEvent && evt.Type == event.EventMessage
	})
	if got := evt.Content.AsMessage().RelatesTo.GetReplyTo().String(); got != b.Event {
		t.Errorf("the voice message answers %s, want %s", got, b.Event)
	}
	return evt
}

// checkVoice compares what a client plays with the recording.
func checkVoice(t *testing.T, voice *event.MessageEventContent, ogg []byte, b *store.Broadcast) {
	t.Helper()
	if !bytes.Equal(ogg, oggOf(t, b)) {
		t.Errorf("the voice message (%d bytes) is not the recording", len(ogg))
	}
	if voice.MSC3245Voice == nil || voice.MSC1767Audio == nil || len(voice.MSC1767Audio.Waveform) == 0 ||
		voice.Info.Size != len(ogg) || voice.Info.Duration != int(b.Duration.Milliseconds()) {
		t.Errorf("voice message %+v, info %+v", voice, voice.Info)
	}
}

// blockOf reads the part of an event that is for programs.
func blockOf(t *testing.T, content map[string]any) block {
	t.Helper()
	data, err := json.Marshal(content[blockName])
	if err != nil {
		t.Fatal(err)
	}
	var b block
	if err := json.Unmarshal(data, &b); err != nil {
		t.Fatal(err)
	}
	return b
}

func mustDownload(t *testing.T, m *member, url id.ContentURIString) []byte {
	t.Helper()
	mxc, err := url.Parse()
	if err != nil {
		t.Fatal(err)
	}
	resp, err := m.Download(t.Context(), mxc)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
