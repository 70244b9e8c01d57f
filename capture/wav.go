package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Encodings of samples, from the first field of a "fmt " chunk.
const (
	wavPCM        = 1
	wavFloat      = 3
	wavExtensible = 0xFFFE // the encoding is in the extension
)

const maxWAVChannels = 64

var (
	errDamagedWAV  = errors.New("the WAV header is damaged")
	errForeignWAV  = errors.New("the WAV file is compressed")
	errSilentWAV   = errors.New("the WAV file has no data chunk")
	endlessWAVSize = int64(math.MaxUint32) // what writes to a pipe cannot know how long it will be
)

// wavHeader is what the "fmt " and "data" chunks say.
type wavHeader struct {
	encoding uint16
	channels int
	rate     int
	bits     int    // per sample, of what is stored: 8, 16, 24, 32 or 64
	mask     uint32 // which speakers the channels are for; 0: the usual ones
	size     int64  // of the samples in bytes; -1: they go on to the end of the file
}

// readWAVHeader reads up to the first sample. Sizes are not trusted: a writer into a
// pipe leaves 0 or 0xFFFFFFFF in them.
func readWAVHeader(r io.Reader) (wavHeader, error) {
	var riff [12]byte
	if _, err := io.ReadFull(r, riff[:]); err != nil || string(riff[:4]) != "RIFF" || string(riff[8:]) != "WAVE" {
		return wavHeader{}, errDamagedWAV
	}
	var h wavHeader
	for {
		var chunk [8]byte
		if _, err := io.ReadFull(r, chunk[:]); err != nil {
			return wavHeader{}, errSilentWAV
		}
		name, size := string(chunk[:4]), int64(binary.LittleEndian.Uint32(chunk[4:]))
		switch {
		case name == "data" && h.channels == 0:
			return wavHeader{}, errDamagedWAV
		case name == "data":
			h.size = size
			if size == 0 || size == endlessWAVSize {
				h.size = -1
			}
			return h, nil
		case name == "fmt ":
			if err := h.readFormat(r, size); err != nil {
				return wavHeader{}, err
			}
		default:
			if err := skip(r, size+size%2); err != nil {
				return wavHeader{}, errSilentWAV
			}
		}
	}
}

// readFormat reads a "fmt " chunk, 16 to 40 bytes long: WAVEFORMATEX,
// WAVEFORMATEXTENSIBLE.
func (h *wavHeader) readFormat(r io.Reader, size int64) error {
	var b [40]byte
	if size < 16 {
		return errDamagedWAV
	}
	n := min(size, int64(len(b)))
	if _, err := io.ReadFull(r, b[:n]); err != nil {
		return errDamagedWAV
	}
	if err := skip(r, size+size%2-n); err != nil {
		return errDamagedWAV
	}
	h.encoding = binary.LittleEndian.Uint16(b[0:])
	h.channels = int(binary.LittleEndian.Uint16(b[2:]))
	h.rate = int(binary.LittleEndian.Uint32(b[4:]))
	align := int(binary.LittleEndian.Uint16(b[12:]))
	if h.encoding == wavExtensible && n == 40 {
		h.mask = binary.LittleEndian.Uint32(b[20:])
		h.encoding = binary.LittleEndian.Uint16(b[24:])
	}
	return h.check(align)
}

// check takes the size of a sample from the block alignment: 20-bit sound, say, is
// stored in 24 bits.
func (h *wavHeader) check(align int) error {
	if h.encoding != wavPCM && h.encoding != wavFloat {
		return fmt.Errorf("%w (format %d)", errForeignWAV, h.encoding)
	}
	if h.channels < 1 || h.channels > maxWAVChannels || align%h.channels != 0 ||
		h.rate < minSampleRate || h.rate > maxSampleRate {
		return errDamagedWAV
	}
	h.bits = 8 * align / h.channels
	if h.decoder() == nil {
		return fmt.Errorf("%w (format %d with %d bits)", errForeignWAV, h.encoding, h.bits)
	}
	return nil
}

// decoder returns how a sample becomes a number from -1 to 1, or nil when nobody knows.
func (h *wavHeader) decoder() func(b []byte) float64 {
	switch [2]int{int(h.encoding), h.bits} {
	case [2]int{wavPCM, 8}:
		return func(b []byte) float64 { return (float64(b[0]) - 128) / 128 }
	case [2]int{wavPCM, 16}:
		return func(b []byte) float64 { return float64(int16(binary.LittleEndian.Uint16(b))) / (1 << 15) }
	case [2]int{wavPCM, 24}:
		return func(b []byte) float64 {
			return float64(int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24)) / (1 << 31)
		}
	case [2]int{wavPCM, 32}:
		return func(b []byte) float64 { return float64(int32(binary.LittleEndian.Uint32(b))) / (1 << 31) }
	case [2]int{wavFloat, 32}:
		return func(b []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))) }
	case [2]int{wavFloat, 64}:
		return func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }
	}
	return nil
}

func skip(r io.Reader, n int64) error {
	_, err := io.CopyN(io.Discard, r, n)
	return err
}
