package bot

import (
	"context"
	"fmt"
	"strings"
	"time"

	"maunium.net/go/mautrix/crypto/attachment"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/store"
)

// postVoice answers the announcement with an ordinary voice message, which
// every client plays and seeks.
func (b *Bot) postVoice(ctx context.Context, r *store.Broadcast) error {
	if r.VoiceEvent != "" || r.Duration == 0 {
		return nil
	}
	message, err := b.uploadVoice(ctx, r)
	if isHopeless(err) {
		b.log.Warn("the show is not posted as a voice message", "broadcast", r.ID, "err", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("upload the voice message: %w", err)
	}
	evt, err := b.send(ctx, id.RoomID(r.Room), &event.Content{Parsed: message}, "voice-"+r.ID)
	if err != nil {
		return fmt.Errorf("post the voice message: %w", err)
	}
	r.VoiceEvent = evt.String()
	return nil
}

// uploadVoice uploads the recording as an Ogg Opus file, encrypted in the
// ordinary way where the room is, and returns the message about it.
func (b *Bot) uploadVoice(ctx context.Context, r *store.Broadcast) (*event.MessageEventContent, error) {
	encrypted, err := b.IsEncrypted(ctx, r.Room)
	if err != nil {
		return nil, err
	}
	if err := draw(r); err != nil {
		return nil, err
	}
	waveform, err := voiceWaveform(r)
	if err != nil {
		return nil, err
	}
	message := voiceMessage(r, waveform)
	if !encrypted && r.Plain && r.MXCStored { // it is there already
		message.Info.Size, message.URL = int(r.Size), id.ContentURIString(r.MXC)
		return message, nil
	}
	if !encrypted {
		size, mxc, err := b.uploadOgg(ctx, r, nil, voiceType)
		message.Info.Size, message.URL = size, mxc
		return message, err
	}
	file := &event.EncryptedFileInfo{EncryptedFile: *attachment.NewEncryptedFile()}
	message.File = file
	message.Info.Size, file.URL, err = b.uploadOgg(ctx, r, &file.EncryptedFile, binary)
	return message, err
}

const voiceType = "audio/ogg"

// voiceMessage is the message without the address of its file (MSC3245, with
// the extensible part of MSC1767 that clients still read).
func voiceMessage(r *store.Broadcast, waveform []int) *event.MessageEventContent {
	name := fileName(r)
	length := int(r.Duration.Milliseconds())
	return &event.MessageEventContent{
		MsgType: event.MsgAudio, Body: name, FileName: name,
		Info:         &event.FileInfo{MimeType: voiceType, Duration: length},
		MSC1767Audio: &event.MSC1767Audio{Duration: length, Waveform: waveform},
		MSC3245Voice: &event.MSC3245Voice{},
		Mentions:     &event.Mentions{},
		RelatesTo:    (&event.RelatesTo{}).SetReplyTo(id.EventID(r.Event)),
	}
}

// fileName is what the show is called when somebody saves it.
func fileName(r *store.Broadcast) string {
	title := strings.Map(func(c rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, c) {
			return '-'
		}
		return c
	}, r.Title)
	if title == "" {
		title = "Broadcast"
	}
	return title + " " + r.StartedAt.UTC().Format(time.DateOnly) + ".ogg"
}
