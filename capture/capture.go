// Package capture turns a microphone, a stream, a file or a test tone into Opus packets
// at the pace of real time.
//
// A source is built from small ones, each of which does one thing:
//
//	microphone, WAV, raw samples, ffmpeg, tone, Opus of varying shape ─► encoded ─┐
//	                                        Ogg Opus files ─► copied, padded ─────┴─► paced (files, tones)
//
// The standard input is read by a Feed, whether somebody is on air or not.
package capture

import (
	"context"
	"log/slog"
	"time"

	"broadcastbot/internal/opus"
)

// Format tells what the packets of a source are.
type Format struct {
	Channels int // 1 or 2
	PreSkip  int // samples at 48 kHz that a player drops at the start, RFC 7845 4.2
	Bitrate  int // bits per second; 0: variable or unknown
}

// Source yields Opus packets. One goroutine reads it.
type Source interface {
	// Format does not change while the source is read.
	Format() Format
	// ReadPacket blocks until the next packet is due and returns it; the caller owns
	// it. After the last packet comes io.EOF. When ctx ends, so does ReadPacket, and no
	// packet is lost: a later call goes on.
	ReadPacket(ctx context.Context) ([]byte, error)
	// EndTrim returns how many samples (48 kHz) at the end of the packet returned last are
	// padding. If there are any, it was the last packet, and io.EOF comes next.
	EndTrim() int
	// Close releases the source. It is called when no ReadPacket runs.
	Close() error
}

// Options say how sound is encoded and where it comes from.
type Options struct {
	Encoder       opus.EncoderOptions // how sound is encoded; the zero value: mono speech with 32 kbit/s
	FullSpeed     bool                // files and tones come as fast as they are read, not at the pace of real time
	Stdin         *Feed               // what "pipe:-" reads; it has to run. nil: nothing
	Log           *slog.Logger        // nil: silent
	DeviceTimeout time.Duration       // how long a microphone may be gone before the source ends; 0: 30 seconds

	Resumed  bool  // the source is opened again, after a restart, for a show that goes on
	Recorded int64 // samples (48 kHz) that this show has already
	Bitrate  int   // bits per second that its packets have; 0: they vary in size
}

func (o Options) withDefaults() Options {
	if o.Encoder == (opus.EncoderOptions{}) {
		o.Encoder = opus.Defaults()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.DeviceTimeout == 0 {
		o.DeviceTimeout = 30 * time.Second
	}
	return o
}
