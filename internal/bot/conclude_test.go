package bot

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/broadcast"
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
	if got := fieldsOf(t, live.Content.Raw); got.State != store.StateLive || got.File.URL != b.Main().Address() {
		t.Errorf("announced fields %+v", got)
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

// TestShowPlain: of a show that is not encrypted the homeserver needs one file,
// which is the recording and the voice message.
func TestShowPlain(t *testing.T) {
	t.Parallel()
	radio, alice, room := newPlainStudio(t)
	b := newPlainShow(t, room)
	live := mustAnnounce(t, radio, alice, b)
	if got := fieldsOf(t, live.Content.Raw); got.File != nil || !strings.HasSuffix(got.LiveURL, b.ID+".opus") {
		t.Errorf("announced fields %+v", got)
	}
	body := live.Content.AsMessage().Body
	if _, fragment, _ := strings.Cut(body, "#"); !strings.Contains(body, "not encrypted") || !strings.HasPrefix(fragment, "signer=") {
		t.Errorf("announced as %q", body)
	}
	mustConclude(t, radio, b)
	checkEdit(t, alice, b)
	voice := awaitVoice(t, alice, b).Content.AsMessage()
	if string(voice.URL) != b.Main().MXC {
		t.Errorf("the voice message is at %s, the recording at %s", voice.URL, b.Main().MXC)
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
	o := radioOptions(t, server, t.TempDir())
	o.PlainRooms = []string{plain.String(), encrypted.String()}
	radio := startRadio(t, o)
	for _, room := range []id.RoomID{plain, encrypted, other} {
		alice.awaitMembership(t, room, user, event.MembershipJoin)
	}
	if answer := alice.ask(t, encrypted, "!live start"); !strings.Contains(answer, "This room is encrypted, but") {
		t.Errorf("in the encrypted room: %q", answer)
	}
	if answer := alice.ask(t, plain, "!live start"); !strings.Contains(answer, "not encrypted") {
		t.Errorf("in the plain room: %q", answer)
	}
	if answer := alice.ask(t, other, "!live start"); answer != explanations[unlisted] {
		t.Errorf("in another room without encryption: %q", answer)
	}
	radio.fake.CheckAsked(t, &broadcast.Request{Rooms: []string{plain.String()}, Speaker: alice.UserID.String(), Plain: true})
}

// TestShowRepeated: whatever was done is not done again.
func TestShowRepeated(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := alice.newRoom(t, true, radio.options.User)
	alice.awaitMembership(t, room, radio.options.User, event.MembershipJoin)
	b := newShow(t, room)
	mustAnnounce(t, radio, alice, b)
	// The answer was lost.
	if again, err := radio.Announce(t.Context(), b.Show, b.announced().Room); err != nil || again != b.announced().Event {
		t.Errorf("announced again as %s (%v), want %s", again, err, b.announced().Event)
	}
	mustConclude(t, radio, b)
	before := *b.announced()
	again, err := radio.PostVoice(t.Context(), b.Show, before, b.spool)
	if err != nil || again != before.VoiceEvent {
		t.Errorf("posted again as %s (%v), want %s", again, err, before.VoiceEvent)
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
	if err := os.Truncate(b.spool, b.Main().Size-10); err != nil {
		t.Fatal(err)
	}
	mustAnnounce(t, radio, alice, b)
	b.Reason = "the bot was restarted"
	mustConclude(t, radio, b)
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
	room := alice.newRoom(t, true, radio.options.User)
	alice.awaitMembership(t, room, radio.options.User, event.MembershipJoin)
	b := newShow(t, room)
	b.Main().Reserved = "mxc://localhost/reserved" // which has expired
	mustAnnounce(t, radio, alice, b)
	b.Stage = store.Concluding
	mxc, err := radio.Media().Upload(t.Context(), b.Main(), b.spool)
	checkHopeless(t, err, "stays at the gateway only")
	b.Main().Reserved = "" // as package broadcast does
	mustUpdate(t, radio, b)
	voice, err := radio.PostVoice(t.Context(), b.Show, *b.announced(), b.spool)
	checkHopeless(t, err, "not posted as a voice message")
	if edited := awaitEdit(t, alice, b); addressOf(edited) != "" {
		t.Errorf("the closing event points to %s, where no recording is", addressOf(edited))
	}
	if mxc != "" || voice != "" {
		t.Errorf("the homeserver took a file that is too large: at %q, in the event %q", mxc, voice)
	}
}

// TestShowAfterKick: a room that has thrown the bot out is not waited for.
func TestShowAfterKick(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := alice.newRoom(t, true, radio.options.User)
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
	b.Stage = store.Concluding
	_, err := radio.Update(t.Context(), b.Show, *b.announced())
	checkHopeless(t, err, "does not let the bot tell")
	if !errors.Is(err, broadcast.ErrRoomClosed) {
		t.Errorf("the error %v does not say that the room is closed", err)
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
