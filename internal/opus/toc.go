// Package opus is the one place that knows which Opus codec is linked.
//
// All sound is 16 bit, interleaved, at 48 kHz; a frame is 20 ms.
package opus

import (
	"errors"
	"fmt"
)

const (
	SampleRate       = 48000 // of everything, in samples per second and channel
	FrameSize        = 960   // samples per channel of a 20 ms frame
	MaxPacketSize    = 1275  // bytes of the largest packet with one frame, RFC 6716 3.2.1
	MaxPacketSamples = 5760  // per channel in the longest packet, 120 ms, RFC 6716 3.2.5
)

// ErrBadPacket is wrapped by every complaint about a packet that is not Opus.
var ErrBadPacket = errors.New("not an Opus packet")

// PacketDuration returns how many samples per channel a packet decodes to at
// 48 kHz (RFC 6716 3.1, 3.2). It reads the first two bytes only, so what it
// accepts may still be undecodable.
func PacketDuration(packet []byte) (samples int, err error) {
	frames, err := frameCount(packet)
	if err != nil {
		return 0, err
	}
	samples = frames * frameDuration(packet[0]>>3)
	if samples > MaxPacketSamples {
		return 0, fmt.Errorf("%w: it lasts %d ms, more than 120", ErrBadPacket, samples/48)
	}
	return samples, nil
}

// PacketsDuration returns how many samples the packets last that are Opus.
func PacketsDuration(packets [][]byte) (samples int) {
	for _, packet := range packets {
		n, _ := PacketDuration(packet)
		samples += n
	}
	return samples
}

// frameCount returns the number of frames in a packet, 1 to 63.
func frameCount(packet []byte) (int, error) {
	if len(packet) == 0 {
		return 0, fmt.Errorf("%w: it is empty", ErrBadPacket)
	}
	switch packet[0] & 3 {
	case 0:
		return 1, nil
	case 1, 2:
		return 2, nil
	}
	if len(packet) < 2 {
		return 0, fmt.Errorf("%w: its frame count is missing", ErrBadPacket)
	}
	frames := int(packet[1] & 0x3F)
	if frames == 0 {
		return 0, fmt.Errorf("%w: it has no frames", ErrBadPacket)
	}
	return frames, nil
}

// frameDuration returns the samples of one frame of a configuration, 0 to 31
// (RFC 6716, table 2).
func frameDuration(config byte) int {
	switch {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		return [...]int{480, 960, 1920, 2880}[config&3]
	case config < 16: // hybrid: 10, 20 ms
		return 480 << (config & 1)
	default: // CELT: 2.5, 5, 10, 20 ms
		return 120 << (config & 3)
	}
}
