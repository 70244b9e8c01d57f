package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"sync"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

const (
	maxVoice      = 50 << 20    // bytes of a voice message; three hours have 43 MB at 32 kbit/s
	voiceLifetime = time.Hour   // VoiceLifetime says it to people
	voiceTimeout  = time.Minute // of a download
	maxVoices     = 1000        // users whose message is kept
)

// VoiceLifetime is how long a voice message can be put on air, in words.
const VoiceLifetime = "an hour"

// Voices are the voice messages that users have sent in their direct chats, the last one of each, for
// them to put on air. They stay where they are, at the homeserver: only how to get and decrypt them is
// kept, and nothing beyond a restart.
type Voices struct {
	client *mautrix.Client

	mu   sync.Mutex
	last map[id.UserID]voice
}

type voice struct {
	room    id.RoomID
	message id.EventID
	file    event.EncryptedFileInfo
	came    time.Time
}

// Voices returns the voice messages that people have sent.
func (b *Bot) Voices() *Voices { return b.voices }

func newVoices(client *mautrix.Client) *Voices {
	return &Voices{client: client, last: make(map[id.UserID]voice)}
}

// Last returns the name by which Open knows the last message of a user; not one from long ago.
func (v *Voices) Last(user string) (name string, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	kept, ok := v.last[id.UserID(user)]
	return kept.message.String(), ok && time.Since(kept.came) < voiceLifetime
}

// keep takes the place of the user's message before.
func (v *Voices) keep(evt *event.Event, file *event.EncryptedFileInfo) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for user, kept := range v.last {
		if time.Since(kept.came) >= voiceLifetime {
			delete(v.last, user)
		}
	}
	if _, known := v.last[evt.Sender]; known || len(v.last) < maxVoices {
		v.last[evt.Sender] = voice{evt.RoomID, evt.ID, *file, time.Now()}
	}
}

var (
	errNoVoice    = errors.New("there is no such voice message any more: send it again")
	errLargeVoice = errors.New("a voice message of more than 50 MB is not put on air")
)

// Open downloads and decrypts a message. It fails where the homeserver has changed a bit of it, or does
// not say that it was not taken back.
func (v *Voices) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	ctx, cancel := context.WithTimeout(ctx, voiceTimeout)
	defer cancel()
	kept, ok := v.find(name)
	if !ok {
		return nil, errNoVoice
	}
	switch removed, err := isRemoved(ctx, v.client, kept.room, kept.message); {
	case errors.Is(err, mautrix.MNotFound), removed:
		return nil, errNoVoice
	case err != nil:
		return nil, fmt.Errorf("ask whether the voice message was taken back: %w", err)
	}
	address, err := kept.file.URL.Parse()
	if err != nil {
		return nil, errors.New("the address of the voice message is not valid")
	}
	response, err := v.client.Download(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("download the voice message: %w", err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, maxVoice+1))
	if err != nil {
		return nil, fmt.Errorf("download the voice message: %w", err)
	}
	if len(content) > maxVoice {
		return nil, errLargeVoice
	}
	if err := kept.file.DecryptInPlace(content); err != nil {
		return nil, fmt.Errorf("decrypt the voice message: %w", err)
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

func (v *Voices) find(name string) (voice, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, kept := range v.last {
		if kept.message.String() == name {
			return kept, true
		}
	}
	return voice{}, false
}

// forget forgets a message that was taken back.
func (v *Voices) forget(room id.RoomID, message id.EventID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	maps.DeleteFunc(v.last, func(_ id.UserID, kept voice) bool { return kept.room == room && kept.message == message })
}

// What is said to somebody who sends a voice message.
const (
	keptVoice  = "I have your voice message for " + VoiceLifetime + ". Say !live start voice in the room that is to hear it."
	clearVoice = "Your voice message is not encrypted: anybody on its way could have put another one in its place, so I do not put it on air."
)

// onVoice keeps a voice message, or another sound, that comes in the direct chat of its sender.
func (h *eventHandler) onVoice(ctx context.Context, evt *event.Event) {
	if h.bot.chats.isWith(evt.RoomID, evt.Sender) && h.isCurrent(evt, nil) {
		h.tasks.enqueue(lane{evt.RoomID, evt.Sender}, false, func() { h.keepVoice(ctx, evt) })
	}
}

func (h *eventHandler) keepVoice(ctx context.Context, evt *event.Event) {
	if !h.isObeyed(ctx, evt, nil) {
		return
	}
	file := evt.Content.AsMessage().File
	if file == nil {
		h.reply(ctx, evt, nil, clearVoice)
		return
	}
	h.bot.voices.keep(evt, file)
	h.reply(ctx, evt, nil, keptVoice)
}
