package bot

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto/attachment"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/commandtest"
)

// sendVoice sends a sound as clients send voice messages, and returns the event.
func (m *member) sendVoice(t *testing.T, room id.RoomID, sound []byte, change func(*event.MessageEventContent, []byte)) id.EventID {
	t.Helper()
	content := &event.MessageEventContent{MsgType: event.MsgAudio, Body: "voice", File: &event.EncryptedFileInfo{EncryptedFile: *attachment.NewEncryptedFile()}}
	encrypted := bytes.Clone(sound)
	content.File.EncryptInPlace(encrypted)
	if change != nil {
		change(content, encrypted)
	}
	stored, err := m.UploadBytes(t.Context(), encrypted, "application/octet-stream")
	if err != nil {
		t.Fatal(err)
	}
	if content.File != nil {
		content.File.URL = stored.ContentURI.CUString()
	} else {
		content.URL = stored.ContentURI.CUString()
	}
	sent, err := m.SendMessageEvent(t.Context(), room, event.EventMessage, content)
	if err != nil {
		t.Fatal(err)
	}
	return sent.EventID
}

func (r *radio) voiceOf(t *testing.T, m *member) ([]byte, error) {
	t.Helper()
	name, ok := r.Voices().Last(m.UserID.String())
	if !ok {
		return nil, errNoVoice
	}
	content, err := r.Voices().Open(t.Context(), name)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return io.ReadAll(content)
}

// TestVoiceFromDirectChat: the last voice message of a direct chat can be had, if nobody has
// changed it and its sender has not taken it back.
func TestVoiceFromDirectChat(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	chat := directed(t, radio, alice)
	answer := func(message id.EventID) string { return alice.awaitReply(t, message).Content.AsMessage().Body }

	if _, ok := radio.Voices().Last(alice.UserID.String()); ok {
		t.Error("there is a voice message before any was sent")
	}
	for _, sound := range []string{"first", "second"} {
		if got := answer(alice.sendVoice(t, chat, []byte(sound), nil)); got != keptVoice {
			t.Errorf("answer %q", got)
		}
		if got, err := radio.voiceOf(t, alice); string(got) != sound || err != nil {
			t.Errorf("the voice message is %q, %v", got, err)
		}
	}

	unencrypted := func(c *event.MessageEventContent, _ []byte) { c.File = nil }
	if got := answer(alice.sendVoice(t, chat, []byte("third"), unencrypted)); got != clearVoice {
		t.Errorf("answer %q", got)
	}
	if got, _ := radio.voiceOf(t, alice); string(got) != "second" {
		t.Errorf("the voice message is %q", got)
	}

	altered := func(_ *event.MessageEventContent, encrypted []byte) { encrypted[0] ^= 1 }
	answer(alice.sendVoice(t, chat, []byte("fourth"), altered))
	if _, err := radio.voiceOf(t, alice); err == nil || !strings.Contains(err.Error(), "decrypt") {
		t.Errorf("an altered message: %v", err)
	}

	removed := alice.sendVoice(t, chat, []byte("fifth"), nil)
	answer(removed)
	if _, err := alice.RedactEvent(t.Context(), chat, removed, mautrix.ReqRedact{}); err != nil {
		t.Fatal(err)
	}
	alice.await(t, "the redaction", func(evt *event.Event) bool { return evt.Type == event.EventRedaction && evt.RoomID == chat })
	if _, err := radio.voiceOf(t, alice); err != errNoVoice {
		t.Errorf("a message that was removed: %v", err)
	}
	if strings.Contains(radio.log.String(), "fourth") {
		t.Error("the log has a message")
	}
}

// TestVoiceFromElsewhere: sound in other rooms is not for the station, nor what unverified sessions
// send.
func TestVoiceFromElsewhere(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	room := newRoomWith(t, radio, alice)
	alice.sendVoice(t, room, []byte("for the room"), nil)
	alice.ask(t, room, "!help") // answered after that
	if _, ok := radio.Voices().Last(alice.UserID.String()); ok {
		t.Error("a voice message of a room is kept")
	}
	chat := directed(t, radio, alice)
	other := newUnsigned(t, alice.server, alice.UserID.String())
	other.follow(t)
	other.awaitMembership(t, chat, alice.UserID.String(), event.MembershipJoin) // which comes after the encryption
	isExplained(t, other, other.sendVoice(t, chat, []byte("not verified"), nil), explanations[untrusted])
	if _, ok := radio.Voices().Last(alice.UserID.String()); ok {
		t.Error("a voice message of an unverified session is kept")
	}
}

// TestVoiceMayBeTakenBack: where the homeserver does not say that a voice message is still there,
// it is not even downloaded; nor is one that was redacted, as far as the station has heard.
func TestVoiceMayBeTakenBack(t *testing.T) {
	h := newModeration(newIdleHandler(t, &commandtest.Broadcasts{Removed: make(chan string, 10)}))
	voices := h.bot.voices
	reply, asked := answer(http.StatusOK, "{}"), 0
	h.client.Client.Transport = roundTripper(func(r *http.Request) *http.Response {
		asked++
		if !strings.Contains(r.URL.Path, "/event/") {
			t.Errorf("asked for %s", r.URL.Path)
		}
		return reply
	})
	file := &event.EncryptedFileInfo{URL: "mxc://example.org/voice"}
	keep := func() string {
		voices.keep(message(alice, "voice"), file)
		name, _ := voices.Last(alice)
		return name
	}
	for name, refusal := range map[string]*http.Response{
		"not reached": answer(http.StatusBadGateway, ""), "another one": answer(http.StatusOK, `{"event_id": "$other", "content": {"a": 1}}`),
		"unknown": answer(http.StatusNotFound, `{"errcode": "M_NOT_FOUND"}`),
	} {
		reply = refusal
		if content, err := voices.Open(t.Context(), keep()); content != nil || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	kept := keep()
	h.onRedaction(t.Context(), redaction(id.EventID(kept)))
	h.wait()
	asked = 0
	if _, err := voices.Open(t.Context(), kept); err != errNoVoice || asked > 0 {
		t.Errorf("of one that was redacted: %v, asked %d times", err, asked)
	}
	if _, ok := voices.Last(alice); ok {
		t.Error("one that was redacted is kept")
	}
}
