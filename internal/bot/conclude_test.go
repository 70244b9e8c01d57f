package bot

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/command"
	"broadcastbot/internal/dendrite"
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

// TestShowPlain: of a show that is not encrypted the homeserver needs one file,
// which is the recording and the voice message.
func TestShowPlain(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := alice.newRoom(t, false, radio.options.User)
	alice.awaitMembership(t, room, radio.options.User, event.MembershipJoin)
	b := newPlainShow(t, room)
	live := mustAnnounce(t, radio, alice, b)
	if got := blockOf(t, live.Content.Raw); got.File != nil || !strings.HasSuffix(got.LiveURL, b.ID+".opus") {
		t.Errorf("announced block %+v", got)
	}
	if body := live.Content.AsMessage().Body; !strings.Contains(body, "not encrypted") || strings.Contains(body, "#") {
		t.Errorf("announced as %q", body)
	}
	mustConclude(t, radio, b)
	checkEdit(t, alice, b)
	voice := awaitVoice(t, alice, b).Content.AsMessage()
	if string(voice.URL) != b.MXC {
		t.Errorf("the voice message is at %s, the recording at %s", voice.URL, b.MXC)
	}
	checkVoice(t, voice, mustDownload(t, alice, voice.URL), b)
}

// TestPlainRooms asks the homeserver which rooms are encrypted.
func TestPlainRooms(t *testing.T) {
	t.Parallel()
	server := dendrite.Run(t)
	user := mustRegister(t, server, "radio")
	alice := newMember(t, server, "alice")
	plain, encrypted, other := alice.newRoom(t, false, user), alice.newRoom(t, true, user), alice.newRoom(t, false, user)
	radio := startRadioWith(t, radioOptions(t, server, t.TempDir()), command.Options{
		Rights:     command.Rights{Speakers: command.Users{alice.UserID.String()}},
		PlainRooms: []string{plain.String(), encrypted.String()},
	})
	for _, room := range []id.RoomID{plain, encrypted, other} {
		alice.awaitMembership(t, room, user, event.MembershipJoin)
	}
	if answer := alice.ask(t, encrypted, "!live start"); !strings.Contains(answer, "This room is encrypted, but") {
		t.Errorf("in the encrypted room: %q", answer)
	}
	if answer := alice.ask(t, plain, "!live start"); !strings.Contains(answer, "not encrypted") {
		t.Errorf("in the plain room: %q", answer)
	}
	if answer := alice.ask(t, other, "!live start"); strings.Contains(answer, "not encrypted") || !strings.Contains(answer, "on air") {
		t.Errorf("in another room without encryption: %q", answer)
	}
	asked := radio.fake.Asked()
	if len(asked) != 2 || !asked[0].Plain || asked[1].Plain {
		t.Errorf("started %+v", asked)
	}
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
	if raw, err := waveEncoding.DecodeString(b.Wave); err != nil || len(raw) != waveformPoints || raw[30] > 20 || raw[90] < 200 {
		t.Errorf("the link draws % d", raw)
	}
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
	b.MXC = "mxc://localhost/reserved" // which has expired
	mustAnnounce(t, radio, alice, b)
	mustConclude(t, radio, b)
	if edited := awaitEdit(t, alice, b); addressOf(edited) != "" {
		t.Errorf("the closing event points to %s, where no recording is", addressOf(edited))
	}
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
	radio.fake.Stopped = make(chan string, 1)
	alice.ask(t, room, "!live start")
	if _, err := alice.KickUser(t.Context(), room, &mautrix.ReqKickUser{UserID: id.UserID(radio.options.User)}); err != nil {
		t.Fatal(err)
	}
	select {
	case stopped := <-radio.fake.Stopped:
		if stopped != room.String() {
			t.Errorf("the show of %s has ended, not that of %s", stopped, room)
		}
	case <-time.After(patience):
		t.Error("the show goes on without the room")
	}
	mustConclude(t, radio, b)
	if !strings.Contains(radio.log.String(), "does not let the bot tell") {
		t.Error("the log does not say that the room was not told")
	}
}

// TestSay: also after Run has ended, because shows end after it.
func TestSay(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := alice.newRoom(t, true, radio.options.User)
	alice.awaitMembership(t, room, radio.options.User, event.MembershipJoin)
	for _, text := range []string{"Back in a minute.", "Good night."} {
		if err := radio.Say(t.Context(), room.String(), text); err != nil {
			t.Fatal(err)
		}
		alice.await(t, "a notice", func(evt *event.Event) bool {
			content := evt.Content.AsMessage()
			return evt.RoomID == room && content.MsgType == event.MsgNotice && content.Body == text
		})
		radio.stop()
	}
}

func TestWaveform(t *testing.T) {
	for name, b := range map[string]*store.Broadcast{"Encrypted": newShow(t, room), "Plain": newPlainShow(t, room)} {
		t.Run(name, func(t *testing.T) { testWaveform(t, b) })
	}
}

func testWaveform(t *testing.T, b *store.Broadcast) {
	for _, test := range []struct {
		name string
		size int64
	}{{"Whole", b.Size}, {"CutOff", b.Size - 100}} { // in this order: the file only gets shorter
		t.Run(test.name, func(t *testing.T) {
			if err := os.Truncate(b.Spool, test.size); err != nil {
				t.Fatal(err)
			}
			b.Wave = ""
			if err := draw(b); err != nil {
				t.Fatal(err)
			}
			points, err := voiceWaveform(b)
			if err != nil || len(points) != waveformPoints {
				t.Fatalf("%d points (%v), want %d", len(points), err, waveformPoints)
			}
			if quiet, loud := points[waveformPoints/4], points[waveformPoints*3/4]; quiet > 50 || loud < 900 {
				t.Errorf("the silent half is drawn as %d, the loud one as %d of 1024", quiet, loud)
			}
		})
	}
}
