package opus

import (
	"errors"
	"fmt"

	"github.com/thesyncim/gopus"
)

// Application is what the encoder is tuned for.
type Application string

// The applications of Opus that are of use for a broadcast.
const (
	VoIP  Application = "voip"  // speech; filters out lower frequencies
	Audio Application = "audio" // music, and speech as it is
)

// EncoderOptions say how sound is encoded. Every field has to be set; [Defaults]
// is a good start.
//
// Without VBR every packet has Bitrate/400 bytes, rounded, so that nobody can guess
// from the sizes what is said (RFC 6562). For the same reason there is never DTX.
type EncoderOptions struct {
	Channels    int // 1 or 2
	Bitrate     int // bits per second, 6000 to 510000
	Complexity  int // 0, fast, to 10, good
	Application Application
	VBR         bool
}

// Defaults returns the options for one voice: mono, 32 kbit/s.
func Defaults() EncoderOptions {
	return EncoderOptions{Channels: 1, Bitrate: 32000, Complexity: 10, Application: VoIP}
}

// validate returns an error that names the first option that is wrong.
func (o EncoderOptions) validate() error {
	switch {
	case o.Channels != 1 && o.Channels != 2:
		return fmt.Errorf("channels has to be 1 or 2, not %d", o.Channels)
	case o.Bitrate < 6000 || o.Bitrate > 510000:
		return fmt.Errorf("bitrate has to be 6000 to 510000 bits per second, not %d", o.Bitrate)
	case o.Complexity < 0 || o.Complexity > 10:
		return fmt.Errorf("complexity has to be 0 to 10, not %d", o.Complexity)
	case o.Application != VoIP && o.Application != Audio:
		return fmt.Errorf("application has to be %s or %s, not %q", VoIP, Audio, o.Application)
	}
	return nil
}

// Encoder turns frames of sound into packets. It keeps state from frame to
// frame and belongs to one goroutine.
type Encoder struct {
	codec    *gopus.Encoder
	channels int
}

// NewEncoder returns an Encoder, or what validate says of the options.
func NewEncoder(o EncoderOptions) (*Encoder, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	application := gopus.ApplicationVoIP
	if o.Application == Audio {
		application = gopus.ApplicationAudio
	}
	codec, err := gopus.NewEncoder(gopus.EncoderConfig{SampleRate: SampleRate, Channels: o.Channels, Application: application})
	if err != nil {
		return nil, fmt.Errorf("set up the Opus encoder: %w", err)
	}
	codec.SetVBR(o.VBR)
	codec.SetVBRConstraint(true) // otherwise packets of loud speech are half as large again
	codec.SetDTX(false)
	codec.SetFEC(false) // the packets go over TCP
	if err := errors.Join(codec.SetBitrate(o.Bitrate), codec.SetComplexity(o.Complexity), codec.SetFrameSize(FrameSize)); err != nil {
		return nil, fmt.Errorf("set up the Opus encoder: %w", err)
	}
	return &Encoder{codec: codec, channels: o.Channels}, nil
}

// Encode makes a packet of one frame, FrameSize interleaved samples per
// channel, and returns its size. packet needs room for MaxPacketSize bytes.
// Encode does not allocate.
func (e *Encoder) Encode(pcm []int16, packet []byte) (int, error) {
	if len(pcm) != FrameSize*e.channels {
		return 0, fmt.Errorf("encode: a frame has %d samples, not %d", FrameSize*e.channels, len(pcm))
	}
	if len(packet) < MaxPacketSize {
		return 0, fmt.Errorf("encode: a packet needs room for %d bytes, not %d", MaxPacketSize, len(packet))
	}
	n, err := e.codec.EncodeInt16(pcm, packet)
	if err != nil {
		return 0, fmt.Errorf("encode: %w", err)
	}
	return n, nil
}

// PreSkip returns the delay of encoder and decoder together, in samples at 48 kHz:
// a player drops as many at the start (RFC 7845, 4.2).
func (e *Encoder) PreSkip() int { return e.codec.Lookahead() }
