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

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/matrix"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/retry"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
)

// recorded is a finished recording of two seconds, the first half silence and the
// second a tone.
type recorded struct {
	*store.Show
	spool string // path
}

// newShow is a recording that was not announced yet.
func newShow(t *testing.T, room id.RoomID) *recorded {
	t.Helper()
	show := testShow()
	show.Main().Key = opusblocks.NewKey()
	return mustRecord(t, show, room)
}

// newPlainShow is one that is not encrypted.
func newPlainShow(t *testing.T, room id.RoomID) *recorded {
	t.Helper()
	return mustRecord(t, plainShow(), room)
}

func mustRecord(t *testing.T, show *store.Show, room id.RoomID) *recorded {
	t.Helper()
	show.Announcements = []store.Announcement{{Room: room.String()}}
	r := &recorded{Show: show, spool: filepath.Join(t.TempDir(), "spool.mxc")}
	f, err := os.Create(r.spool)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	head := opusblocks.Head{Channels: 1, PreSkip: 312, Title: show.Title, Speaker: show.Speaker, Started: show.StartedAt}
	w, err := show.Main().WritingForm(time.Now).NewWriter(f, head)
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
	show.Main().Recap = store.Recap{
		Extent: store.Extent{Duration: 1993 * time.Millisecond, Size: end.Offset, Blocks: int64(end.Sequence)},
		Wave:   "AAD_",
	}
	return r
}

// announced is the show's only announcement.
func (r *recorded) announced() *store.Announcement { return &r.Announcements[0] }

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

// oggOf is the recording as anybody with the key would decrypt it.
func oggOf(t *testing.T, b *recorded) []byte {
	t.Helper()
	var ogg bytes.Buffer
	if err := decrypt(&ogg, b.Main(), b.spool); err != nil {
		t.Fatal(err)
	}
	return ogg.Bytes()
}

// mustAnnounce announces the show and returns what a member gets.
func mustAnnounce(t *testing.T, r *radio, m *member, b *recorded) *event.Event {
	t.Helper()
	sent, err := r.Announce(t.Context(), b.Show, b.announced().Room)
	if err != nil {
		t.Fatal(err)
	}
	b.announced().Event = sent
	return m.await(t, "the announcement", func(evt *event.Event) bool {
		return evt.ID.String() == sent && evt.Type == event.EventMessage
	})
}

// mustConclude ends a show as package broadcast does where nothing goes wrong; the order of the steps
// is repeated here by hand. What comes of them is noted in the show.
func mustConclude(t *testing.T, r *radio, b *recorded) {
	t.Helper()
	b.Stage = store.Concluding
	mustUpdate(t, r, b)
	main := b.Main()
	mxc, err := r.Media().Upload(t.Context(), main, b.spool)
	if err != nil {
		t.Fatal(err)
	}
	main.MXC, main.Reserved = mxc, ""
	mustUpdate(t, r, b)
	if b.announced().VoiceEvent, err = r.PostVoice(t.Context(), b.Show, *b.announced(), b.spool); err != nil {
		t.Fatal(err)
	}
}

// mustUpdate edits the announcement to tell how the show stands.
func mustUpdate(t *testing.T, r *radio, b *recorded) {
	t.Helper()
	edit, err := r.Update(t.Context(), b.Show, *b.announced())
	if err != nil {
		t.Fatal(err)
	}
	b.announced().Edits = strings.TrimSpace(b.announced().Edits + " " + edit)
}

// checkHopeless wants an error that no repetition can mend, and that says what becomes of the show.
func checkHopeless(t *testing.T, err error, sentence string) {
	t.Helper()
	if !retry.IsPermanent(err) || !strings.Contains(err.Error(), sentence) {
		t.Errorf("error %v, want a permanent one that says %q", err, sentence)
	}
}

// awaitEdit returns the newest edit of the announcement: with the address of the
// file, and what the sound looks like, where it has them.
func awaitEdit(t *testing.T, m *member, b *recorded) matrix.Announcement {
	t.Helper()
	var edited matrix.Announcement
	m.await(t, "the edit", func(evt *event.Event) bool {
		if evt.Content.AsMessage().RelatesTo.GetReplaceID().String() != b.announced().Event || evt.Type != event.EventMessage {
			return false
		}
		content, _ := evt.Content.Raw["m.new_content"].(map[string]any)
		edited = fieldsOf(t, content)
		body, _ := content["body"].(string)
		return addressOf(edited) == b.Main().Address() && strings.Contains(body, "wave="+b.Main().Wave)
	})
	return edited
}

// addressOf is where the homeserver has the file.
func addressOf(a matrix.Announcement) string {
	if a.File == nil {
		return a.URL
	}
	return a.File.URL
}

// checkEdit follows the edit to the file at the homeserver.
func checkEdit(t *testing.T, m *member, b *recorded) {
	t.Helper()
	if b.Main().MXC == "" {
		t.Fatal("the recording is not at the homeserver")
	}
	edited := awaitEdit(t, m, b)
	if edited.State != store.StateEnded || edited.Size != b.Main().Size || edited.Duration != b.Main().Duration.Milliseconds() {
		t.Errorf("edited fields %+v", edited)
	}
	spool, err := os.ReadFile(b.spool)
	if err != nil {
		t.Fatal(err)
	}
	if stored := mustDownload(t, m, id.ContentURIString(addressOf(edited))); !bytes.Equal(stored, spool) {
		t.Errorf("%d bytes at the homeserver are not the %d of the spool", len(stored), len(spool))
	}
}

func awaitVoice(t *testing.T, m *member, b *recorded) *event.Event {
	t.Helper()
	evt := m.await(t, "the voice message", func(evt *event.Event) bool {
		return evt.ID.String() == b.announced().VoiceEvent && evt.Type == event.EventMessage
	})
	if got := evt.Content.AsMessage().RelatesTo.GetReplyTo().String(); got != b.announced().Event {
		t.Errorf("the voice message answers %s, want %s", got, b.announced().Event)
	}
	return evt
}

// checkVoice compares what a client plays with the recording.
func checkVoice(t *testing.T, voice *event.MessageEventContent, ogg []byte, b *recorded) {
	t.Helper()
	if !bytes.Equal(ogg, oggOf(t, b)) {
		t.Errorf("the voice message (%d bytes) is not the recording", len(ogg))
	}
	if voice.MSC3245Voice == nil || voice.MSC1767Audio == nil || len(voice.MSC1767Audio.Waveform) == 0 ||
		voice.Info.Size != len(ogg) || voice.Info.Duration != int(b.Main().Duration.Milliseconds()) {
		t.Errorf("voice message %+v, info %+v", voice, voice.Info)
	}
}

// fieldsOf reads the part of an event that is for programs.
func fieldsOf(t *testing.T, content map[string]any) matrix.Announcement {
	t.Helper()
	data, err := json.Marshal(content[matrix.AnnouncementField])
	if err != nil {
		t.Fatal(err)
	}
	var b matrix.Announcement
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
