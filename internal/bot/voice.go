package bot

import (
	"context"
	"fmt"
	"strings"
	"time"

	"maunium.net/go/mautrix/crypto/attachment"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/link"
	"broadcastbot/internal/retry"
	"broadcastbot/store"
)

// PostVoice implements broadcast.Announcer: it answers the announcement with an ordinary voice
// message, which every client plays and seeks.
func (b *Bot) PostVoice(ctx context.Context, show *store.Show, a store.Announcement, path string) (string, error) {
	if err := b.session.AwaitReady(ctx); err != nil {
		return "", err
	}
	message, err := b.uploadVoice(ctx, show, a.Room, path)
	if isHopeless(err) {
		return "", retry.Permanent(fmt.Errorf("the show is not posted as a voice message: %w", err))
	}
	if err != nil {
		return "", fmt.Errorf("upload the voice message: %w", err)
	}
	message.RelatesTo = (&event.RelatesTo{}).SetReplyTo(id.EventID(a.Event))
	evt, err := b.sendFor(ctx, show, a.Room, &event.Content{Parsed: message}, voiceTransaction(show))
	if err != nil {
		return "", fmt.Errorf("post the voice message: %w", roomError(err))
	}
	return evt.String(), nil
}

// uploadVoice uploads the recording as an Ogg Opus file and returns the message about it. The file
// is encrypted in the ordinary way, unless the show is not and the room writes in clear text.
func (b *Bot) uploadVoice(ctx context.Context, show *store.Show, room, path string) (*event.MessageEventContent, error) {
	message, t := voiceMessage(show), show.Main()
	clear := false
	if t.Plain {
		var err error
		if clear, err = b.writesClear(ctx, id.RoomID(room)); err != nil {
			return nil, err
		}
	}
	if clear && t.MXC != "" { // it is there already
		message.Info.Size, message.URL = int(t.Size), id.ContentURIString(t.MXC)
		return message, nil
	}
	if clear {
		size, mxc, err := b.media.uploadOgg(ctx, t, path, nil, voiceType)
		b.media.logVoice(show, mxc)
		message.Info.Size, message.URL = int(size), mxc
		return message, err
	}
	file := &event.EncryptedFileInfo{EncryptedFile: *attachment.NewEncryptedFile()}
	message.File = file
	size, mxc, err := b.media.uploadOgg(ctx, t, path, &file.EncryptedFile, binary)
	b.media.logVoice(show, mxc)
	message.Info.Size, file.URL = int(size), mxc
	return message, err
}

// logVoice names a file that no record names: its address stands in the voice message alone, and
// whoever has the show deleted may want to have it deleted too.
func (m *media) logVoice(show *store.Show, mxc id.ContentURIString) {
	if mxc != "" {
		m.log.Info("the voice message has a file of its own at the homeserver", "show", show.ID, "mxc", mxc)
	}
}

const voiceType = "audio/ogg"

// voiceMessage is the message without the address of its file (MSC3245, with the extensible part of
// MSC1767 that clients still read).
func voiceMessage(show *store.Show) *event.MessageEventContent {
	name := fileName(show)
	length := int(show.Main().Duration.Milliseconds())
	return &event.MessageEventContent{
		MsgType: event.MsgAudio, Body: name, FileName: name,
		Info:         &event.FileInfo{MimeType: voiceType, Duration: length},
		MSC1767Audio: &event.MSC1767Audio{Duration: length, Waveform: voiceWaveform(show.Main())},
		MSC3245Voice: &event.MSC3245Voice{},
		Mentions:     &event.Mentions{},
	}
}

// The largest point of a waveform, in a voice message (MSC3246) and in a link.
const (
	voicePeak = 1024
	linkPeak  = 255
)

// voiceWaveform is the track's waveform as a voice message has it.
func voiceWaveform(t *store.Track) []int {
	raw := link.ParseWave(t.Wave)
	points := make([]int, len(raw))
	for i, point := range raw {
		points[i] = int(point) * voicePeak / linkPeak
	}
	return points
}

// fileName is what the show is called when somebody saves it.
func fileName(show *store.Show) string {
	title := strings.Map(func(c rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, c) {
			return '-'
		}
		return c
	}, show.Title)
	if title == "" {
		title = "Broadcast"
	}
	return title + " " + show.StartedAt.UTC().Format(time.DateOnly) + ".ogg"
}
