package oggopus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

var (
	// ErrNotOpus means that the sound in the Ogg stream is not Opus.
	ErrNotOpus = errors.New("not an Ogg Opus stream")
	// ErrMapping means that the stream has another layout of channels than plain mono or stereo.
	ErrMapping = errors.New("only mono and stereo Opus streams (mapping family 0) can be used")
	// ErrMalformed means that a header packet contradicts RFC 7845.
	ErrMalformed = errors.New("malformed Opus header")
)

const (
	headMagic = "OpusHead"
	headSize  = 19 // mapping family 0
)

// Head is the identification header of a stream (RFC 7845, 5.1) with mapping
// family 0.
type Head struct {
	Channels        int    // 1 or 2
	PreSkip         int    // samples at 48 kHz that a player drops at the start, 0 to 65535
	InputSampleRate uint32 // of the sound before it was encoded, Hz; 0: unknown
	OutputGain      int16  // to be applied by the player, 1/256 dB
}

// ParseHead reads the first packet of a stream.
func ParseHead(packet []byte) (Head, error) {
	if !bytes.HasPrefix(packet, []byte(headMagic)) {
		return Head{}, ErrNotOpus
	}
	if len(packet) < headSize {
		return Head{}, fmt.Errorf("%w: OpusHead has %d bytes, not %d", ErrMalformed, len(packet), headSize)
	}
	if version := packet[8]; version>>4 != 0 { // a higher low half only adds to the header
		return Head{}, fmt.Errorf("%w: version %d is not known", ErrMalformed, version)
	}
	channels, family := packet[9], packet[18]
	if family != 0 || channels > 2 {
		return Head{}, fmt.Errorf("%w: this one has %d channels, family %d", ErrMapping, channels, family)
	}
	if channels == 0 {
		return Head{}, fmt.Errorf("%w: no channels", ErrMalformed)
	}
	return Head{
		Channels:        int(channels),
		PreSkip:         int(binary.LittleEndian.Uint16(packet[10:])),
		InputSampleRate: binary.LittleEndian.Uint32(packet[12:]),
		OutputGain:      int16(binary.LittleEndian.Uint16(packet[16:])),
	}, nil
}

// Append appends the packet, 19 bytes, to dst.
func (h Head) Append(dst []byte) []byte {
	dst = append(dst, headMagic...)
	dst = append(dst, 1, byte(h.Channels))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(h.PreSkip))
	dst = binary.LittleEndian.AppendUint32(dst, h.InputSampleRate)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(h.OutputGain))
	return append(dst, 0) // mapping family
}
