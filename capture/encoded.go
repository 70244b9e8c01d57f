package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"broadcastbot/internal/opus"
)

// pcmReader yields interleaved 16-bit sound at 48 kHz in as many channels as the
// encoder has.
type pcmReader interface {
	// ReadPCM fills pcm with whole frames. Fewer samples than asked for come only with
	// an error: io.EOF at the end of the sound.
	ReadPCM(ctx context.Context, pcm []int16) (int, error)
	Close() error
}

// encoded is a Source that encodes what a pcmReader yields.
type encoded struct {
	pcm     pcmReader
	encoder *opus.Encoder
	format  Format

	packet   []byte  // scratch
	frame    []int16 // 20 ms
	filled   int     // samples of frame that are sound already
	started  bool    // a packet was encoded
	draining bool    // the sound has ended
	left     int     // samples per channel, while draining, that no packet carries yet
	endTrim  int
}

// newEncoded takes pcm over and closes it when it cannot encode.
func newEncoded(pcm pcmReader, o opus.EncoderOptions) (Source, error) {
	encoder, err := opus.NewEncoder(o)
	if err != nil {
		pcm.Close()
		return nil, fmt.Errorf("set up the Opus encoder: %w", err)
	}
	format := Format{Channels: o.Channels, PreSkip: encoder.PreSkip()}
	if !o.VBR {
		format.Bitrate = o.Bitrate
	}
	return &encoded{
		pcm:     pcm,
		encoder: encoder,
		format:  format,
		packet:  make([]byte, opus.MaxPacketSize),
		frame:   make([]int16, opus.FrameSize*o.Channels),
	}, nil
}

func (e *encoded) Format() Format { return e.format }
func (e *encoded) EndTrim() int   { return e.endTrim }
func (e *encoded) Close() error   { return e.pcm.Close() }

func (e *encoded) ReadPacket(ctx context.Context) ([]byte, error) {
	if !e.draining {
		n, err := e.pcm.ReadPCM(ctx, e.frame[e.filled:])
		e.filled += n
		if err == nil {
			return e.encode()
		}
		if !errors.Is(err, io.EOF) {
			return nil, err
		}
		e.drain()
	}
	if e.left <= 0 {
		return nil, io.EOF
	}
	e.left -= opus.FrameSize
	e.endTrim = max(-e.left, 0)
	return e.encode()
}

// drain begins the end: the encoder is e.format.PreSkip samples behind, so that much
// silence pushes the last of the sound out of it.
func (e *encoded) drain() {
	e.draining = true
	if e.started || e.filled > 0 {
		e.left = e.filled/e.format.Channels + e.format.PreSkip
	}
}

// encode makes a packet of the frame, padded with silence, and empties the frame.
func (e *encoded) encode() ([]byte, error) {
	clear(e.frame[e.filled:])
	e.filled, e.started = 0, true
	n, err := e.encoder.Encode(e.frame, e.packet)
	if err != nil {
		return nil, fmt.Errorf("encode 20 ms of sound: %w", err)
	}
	return bytes.Clone(e.packet[:n]), nil
}

func (e *encoded) Stats() Stats { return statsOf(e.pcm) }
