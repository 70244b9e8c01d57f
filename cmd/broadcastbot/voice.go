package main

import (
	"context"
	"errors"
	"io"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/bot"
)

// voiceGrace is how long the decoder of a voice message may be silent: all of it is here when it
// begins.
const voiceGrace = 30 * time.Second

var (
	errNoVoice = errors.New("send me a voice message first, in our direct chat, where I have just written to you; " +
		"if you do not see that chat, accept my invitation to it")
	errOtherVoice = errors.New("say voice alone: it is your own last voice message")
)

// voiceKind is the kind of voice messages, as far as its name counts.
var voiceKind = capture.Kind{
	Name: "voice", Alone: true, Personal: true,
	Examples: []string{"voice"}, Help: "the voice message that you have sent me last in our direct chat",
}

// howToVoice opens the direct chat: the bot need not accept whoever opens one with it.
const howToVoice = "Send me the voice message here that is to go on air, and say !live start voice in the room when I have it. I keep the last one for " + bot.VoiceLifetime + "."

// voicesKind puts the voice message on air that a speaker has sent last in the direct chat, in which
// direct writes.
func voicesKind(voices *bot.Voices, direct func(ctx context.Context, user, text string) error) capture.Kind {
	kind := voiceKind
	kind.Open = func(ctx context.Context, name string, o capture.Options) (capture.Source, error) {
		return capture.OpenStream(ctx, capture.Stream{
			Name: "your voice message", Grace: voiceGrace,
			Connect: func(ctx context.Context) (io.ReadCloser, error) { return voices.Open(ctx, name) },
		}, o)
	}
	kind.Grant = func(ctx context.Context, by capture.Asker, name string) (string, error) {
		if name != "" {
			return "", errOtherVoice
		}
		name, ok := voices.Last(by.User)
		if ok {
			return name, nil
		}
		if err := direct(ctx, by.User, howToVoice); err != nil {
			return "", err
		}
		return "", errNoVoice
	}
	return kind
}
