package capture

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

// wavFile builds a WAV file from chunks: name, bytes, name, bytes. A chunk named
// "data*" claims the size 0xFFFFFFFF, as ffmpeg writes into a pipe.
func wavFile(chunks ...any) []byte {
	file := []byte("RIFF\xff\xff\xff\xffWAVE")
	for i := 0; i < len(chunks); i += 2 {
		name, body := chunks[i].(string), chunks[i+1].([]byte)
		size := uint32(len(body))
		if strings.HasSuffix(name, "*") {
			size = math.MaxUint32
		}
		file = append(file, name[:4]...)
		file = binary.LittleEndian.AppendUint32(file, size)
		file = append(file, body...)
		file = append(file, make([]byte, len(body)%2)...)
	}
	return file
}

func wavFormatChunk(encoding uint16, channels, rate, bits int) []byte {
	var b []byte
	b = binary.LittleEndian.AppendUint16(b, encoding)
	b = binary.LittleEndian.AppendUint16(b, uint16(channels))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate*channels*bits/8))
	b = binary.LittleEndian.AppendUint16(b, uint16(channels*bits/8))
	return binary.LittleEndian.AppendUint16(b, uint16(bits))
}

func wavExtensibleChunk(encoding uint16, channels, rate, bits int, mask uint32) []byte {
	b := wavFormatChunk(wavExtensible, channels, rate, bits)
	b = binary.LittleEndian.AppendUint16(b, 22)
	b = binary.LittleEndian.AppendUint16(b, uint16(bits))
	b = binary.LittleEndian.AppendUint32(b, mask)
	b = binary.LittleEndian.AppendUint16(b, encoding)
	return append(b, "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"...)
}

// readWAV returns all sound of a file.
func readWAV(file []byte, channels int) ([]int16, error) {
	in := bytes.NewReader(file)
	header, err := readWAVHeader(in)
	if err != nil {
		return nil, err
	}
	samples := newWAVSamples(header, in, channels)
	var all []int16
	for {
		pcm := make([]int16, 960*channels)
		n, err := samples.ReadPCM(context.Background(), pcm)
		all = append(all, pcm[:n]...)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func TestWAVFormats(t *testing.T) {
	f32 := func(samples ...float32) (b []byte) {
		for _, s := range samples {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(s))
		}
		return b
	}
	s16 := []byte{0x00, 0x40, 0x00, 0xC0, 0xFF, 0x7F}
	nan := float32(math.NaN())
	for _, test := range []struct {
		name     string
		file     []byte
		channels int
		want     []int16
	}{
		{"s16", wavFile("fmt ", wavFormatChunk(1, 1, 48000, 16), "data", s16), 1, []int16{16384, -16384, 32767}},
		{"u8", wavFile("fmt ", wavFormatChunk(1, 1, 48000, 8), "data", []byte{0, 128, 192}), 1, []int16{-32768, 0, 16384}},
		{"s24", wavFile("fmt ", wavFormatChunk(1, 1, 48000, 24), "data", []byte{0, 0, 0x40, 0, 0, 0x80}), 1, []int16{16384, -32768}},
		{"s32", wavFile("fmt ", wavFormatChunk(1, 1, 48000, 32), "data", []byte{0, 0, 0, 0x40, 0, 0, 0, 0x80}), 1, []int16{16384, -32768}},
		{"f32 with clipping", wavFile("fmt ", wavFormatChunk(3, 1, 48000, 32), "data", f32(0.5, -1, 7, -7, nan)), 1, []int16{16384, -32768, 32767, -32768, 0}},
		{"f64", wavFile("fmt ", wavFormatChunk(3, 1, 48000, 64), "data", binary.LittleEndian.AppendUint64(nil, math.Float64bits(0.5))), 1, []int16{16384}},
		{"extensible", wavFile("fmt ", wavExtensibleChunk(1, 1, 48000, 16, 4), "data", s16), 1, []int16{16384, -16384, 32767}},
		{"other chunks", wavFile("LIST", []byte("odd"), "fmt ", append(wavFormatChunk(1, 1, 48000, 16), 0, 0), "fact", make([]byte, 4), "data", s16, "LIST", s16), 1,
			[]int16{16384, -16384, 32767}},
		{"size unknown", wavFile("fmt ", wavFormatChunk(1, 1, 48000, 16), "data*", s16), 1, []int16{16384, -16384, 32767}},
		{"cut off", wavFile("fmt ", wavFormatChunk(1, 1, 48000, 16), "data", s16)[:49], 1, []int16{16384, -16384}},
		{"stereo to mono", wavFile("fmt ", wavFormatChunk(1, 2, 48000, 16), "data", s16[:4]), 1, []int16{0}},
		{"mono to stereo", wavFile("fmt ", wavFormatChunk(1, 1, 48000, 16), "data", s16[:2]), 2, []int16{16384, 16384}},
		{"stereo", wavFile("fmt ", wavFormatChunk(1, 2, 48000, 16), "data", s16[:4]), 2, []int16{16384, -16384}},
		{"quad to stereo", wavFile("fmt ", wavFormatChunk(1, 4, 48000, 8), "data", []byte{192, 128, 192, 0}), 2, []int16{16384, -16384}},
		{"5.1 without its effects", wavFile("fmt ", wavFormatChunk(1, 6, 48000, 8), "data", []byte{192, 192, 192, 0, 192, 192}), 1, []int16{16384}},
		{"side speakers by mask", wavFile("fmt ", wavExtensibleChunk(1, 2, 48000, 8, 1<<9|1<<10), "data", []byte{192, 128}), 2, []int16{16384, 0}},
		{"nine channels", wavFile("fmt ", wavFormatChunk(1, 9, 48000, 8), "data", bytes.Repeat([]byte{192}, 9)), 2, []int16{16384, 16384}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := readWAV(test.file, test.channels)
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("got %v, %v; want %v", got, err, test.want)
			}
		})
	}
}

func TestWAVErrors(t *testing.T) {
	pcm := func(channels, rate, bits int) []byte {
		return wavFile("fmt ", wavFormatChunk(1, channels, rate, bits), "data", []byte{1, 2})
	}
	for _, test := range []struct {
		name string
		file []byte
		want error
	}{
		{"empty", nil, errDamagedWAV},
		{"not RIFF", []byte("OggS0000WAVE"), errDamagedWAV},
		{"no data", wavFile("fmt ", wavFormatChunk(1, 1, 48000, 16)), errSilentWAV},
		{"data before format", wavFile("data", []byte{1, 2}), errDamagedWAV},
		{"short format", wavFile("fmt ", make([]byte, 14), "data", []byte{1, 2}), errDamagedWAV},
		{"format cut off", wavFile("fmt ", wavFormatChunk(1, 1, 48000, 16))[:30], errDamagedWAV},
		{"skipped chunk cut off", wavFile("LIST*", []byte{1, 2}), errSilentWAV},
		{"no channels", pcm(0, 48000, 16), errDamagedWAV},
		{"too many channels", pcm(65, 48000, 16), errDamagedWAV},
		{"no rate", pcm(1, 0, 16), errDamagedWAV},
		{"rate too high", pcm(1, 1<<30, 16), errDamagedWAV},
		{"40 bits", pcm(1, 48000, 40), errForeignWAV},
		{"no bits", pcm(1, 48000, 0), errForeignWAV},
		{"ADPCM", wavFile("fmt ", wavFormatChunk(2, 1, 48000, 8), "data", []byte{1, 2}), errForeignWAV},
		{"float of 16 bits", wavFile("fmt ", wavFormatChunk(3, 1, 48000, 16), "data", []byte{1, 2}), errForeignWAV},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := readWAVHeader(bytes.NewReader(test.file)); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func FuzzWAV(f *testing.F) {
	f.Fuzz(func(t *testing.T, file []byte, stereo bool) {
		channels := 1
		if stereo {
			channels = 2
		}
		pcm, err := readWAV(file, channels)
		if err == nil && len(pcm)%channels != 0 {
			t.Errorf("%d samples are no whole frames of %d channels", len(pcm), channels)
		}
		if limit := 48*len(file)*channels + 2; len(pcm) > limit { // 1 kHz, 8 bits, is the most sound per byte
			t.Errorf("%d bytes gave %d samples", len(file), len(pcm))
		}
	})
}
