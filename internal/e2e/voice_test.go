package e2e

import (
	"os"
	"strings"
	"testing"

	"maunium.net/go/mautrix/crypto/attachment"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/opus"
	"broadcastbot/store"
)

// mustSendVoice has Alice send a sound file to a room, encrypted as Matrix clients do it, and returns when
// the bot has it.
func (h *theatre) mustSendVoice(t *testing.T, room id.RoomID, path string) {
	t.Helper()
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file := &event.EncryptedFileInfo{EncryptedFile: *attachment.NewEncryptedFile()}
	file.EncryptInPlace(sound)
	stored, err := h.Alice.Client.UploadBytes(t.Context(), sound, "application/octet-stream")
	if err != nil {
		t.Fatal(err)
	}
	file.URL = stored.ContentURI.CUString()
	message := &event.MessageEventContent{MsgType: event.MsgAudio, Body: "Voice message", File: file, MSC3245Voice: &event.MSC3245Voice{}}
	if _, err := h.Alice.Client.SendMessageEvent(t.Context(), room, event.EventMessage, message); err != nil {
		t.Fatal(err)
	}
	if _, err := h.AwaitDirect(t.Context(), func(text string) bool { return strings.HasPrefix(text, "I have your voice message") }); err != nil {
		t.Fatal(err)
	}
}

// TestVoiceMessageOnAir: a speaker without a line sends a voice message in the direct chat, and the room hears
// all of it.
func TestVoiceMessageOnAir(t *testing.T) {
	path, sent := mustSpeech(t, 200)
	h := mustTheatre(t, "tone:440")
	h.mustSay(t, "!live start voice Too early")
	if _, err := h.Await(t.Context(), "the refusal", func(evt *event.Event) bool {
		return strings.Contains(evt.Content.AsMessage().Body, "send me a voice message first, in our direct chat")
	}); err != nil {
		t.Fatal(err)
	}
	chat, err := h.Alice.Await(t.Context(), func(evt *event.Event) bool { return evt.RoomID != h.Room })
	if err != nil {
		t.Fatal(err)
	}
	h.mustSendVoice(t, chat.RoomID, path)

	h.mustSay(t, "!live start voice Greetings")
	live, _ := h.mustState(t, store.StateLive)
	if live.Title != "Greetings" {
		t.Errorf("the title is %q", live.Title)
	}
	stream := mustStream(t, live)
	played := -stream.Head().PreSkip
	for _, packet := range mustRest(t, stream) {
		samples, err := opus.PacketDuration(packet)
		if err != nil {
			t.Fatal(err)
		}
		played += samples
	}
	if played -= stream.EndTrim(); played != 960*len(sent)-312 {
		t.Errorf("%d samples were heard, want %d", played, 960*len(sent)-312)
	}
	h.mustState(t, store.StateEnded)
}
