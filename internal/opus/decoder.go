package opus

import (
	"fmt"

	"github.com/pion/opus"
)

// Decoder turns packets into sound. It keeps state from packet to packet and
// belongs to one goroutine.
type Decoder struct {
	codec    opus.Decoder
	channels int
}

// NewDecoder returns a Decoder whose sound has 1 or 2 channels, whatever the
// packets have.
func NewDecoder(channels int) (*Decoder, error) {
	codec, err := opus.NewDecoderWithOutput(SampleRate, channels)
	if err != nil {
		return nil, fmt.Errorf("set up an Opus decoder of %d channels: %w", channels, err)
	}
	return &Decoder{codec: codec, channels: channels}, nil
}

// Decode turns a packet into interleaved sound and returns how many samples per
// channel it has. pcm needs room for as many as PacketDuration returns.
//
// Lost sound is not concealed: an empty packet is an error. After any error the
// next packet can be decoded as usual.
func (d *Decoder) Decode(packet []byte, pcm []int16) (samplesPerChannel int, err error) {
	samples, err := PacketDuration(packet)
	if err != nil {
		return 0, fmt.Errorf("decode: %w", err)
	}
	if len(pcm) < samples*d.channels {
		return 0, fmt.Errorf("decode: the packet needs room for %d samples, not %d", samples*d.channels, len(pcm))
	}
	n, err := d.codec.DecodeToInt16(packet, pcm[:samples*d.channels])
	if err != nil {
		return 0, fmt.Errorf("decode: %w: %w", ErrBadPacket, err)
	}
	return n, nil
}
