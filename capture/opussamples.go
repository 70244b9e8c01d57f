package capture

import (
	"context"
	"io"
	"math"

	"broadcastbot/internal/opus"
)

// opusSamples is a pcmReader that decodes the packets of an Ogg Opus stream, or of several, one after
// the other. What cannot be decoded is silence.
type opusSamples struct {
	next     func(context.Context) (oggPacket, error)
	closer   io.Closer    // nil: somebody else's
	stats    func() Stats // nil: there are none
	channels int
	decoder  *opus.Decoder
	skip     int     // samples per channel that are still to be dropped, RFC 7845 4.2
	frame    []int16 // of the packet before, with room for the longest
	ready    []int16 // the part of it that was not read yet
}

func newOpusSamples(channels int, next func(context.Context) (oggPacket, error)) (*opusSamples, error) {
	s := &opusSamples{next: next, channels: channels, frame: make([]int16, opus.MaxPacketSamples*channels)}
	return s, s.restart()
}

func (s *opusSamples) restart() (err error) {
	s.decoder, err = opus.NewDecoder(s.channels)
	return err
}

func (s *opusSamples) ReadPCM(ctx context.Context, pcm []int16) (int, error) {
	n := 0
	for n < len(pcm) {
		if len(s.ready) == 0 {
			if err := s.fetch(ctx); err != nil {
				return n, err
			}
		}
		copied := copy(pcm[n:], s.ready)
		n, s.ready = n+copied, s.ready[copied:]
	}
	return n, nil
}

// fetch decodes the next packet, which may have no sound.
func (s *opusSamples) fetch(ctx context.Context) error {
	packet, err := s.next(ctx)
	if err != nil {
		return err
	}
	if packet.First {
		if err := s.restart(); err != nil {
			return err
		}
		s.skip = packet.head.PreSkip
	}
	frame := s.frame[:packet.Samples*s.channels]
	if _, err := s.decoder.Decode(packet.Data, frame); err != nil {
		clear(frame)
	}
	amplify(frame, packet.head.OutputGain)
	skipped := min(s.skip, packet.Samples-packet.Trim)
	s.skip -= skipped
	s.ready = frame[skipped*s.channels : (packet.Samples-packet.Trim)*s.channels]
	return nil
}

// amplify changes the level by the output gain of a stream, in 1/256 dB.
func amplify(pcm []int16, gain int16) {
	if gain == 0 {
		return
	}
	factor := math.Pow(10, float64(gain)/256/20)
	for i, sample := range pcm {
		pcm[i] = quantise(float64(sample) * factor / (1 << 15))
	}
}

func (s *opusSamples) Stats() Stats {
	if s.stats == nil {
		return Stats{}
	}
	return s.stats()
}

func (s *opusSamples) Close() error {
	if s.closer == nil {
		return nil
	}
	return s.closer.Close()
}
