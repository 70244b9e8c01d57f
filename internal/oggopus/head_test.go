package oggopus

import (
	"errors"
	"testing"
)

// The first packet of a file that opusenc 0.2 made of 44.1 kHz stereo.
const opusencHead = "OpusHead\x01\x02\x38\x01\x44\xac\x00\x00\x00\xff\x00"

func TestHead(t *testing.T) {
	want := Head{Channels: 2, PreSkip: 312, InputSampleRate: 44100, OutputGain: -256}
	got, err := ParseHead([]byte(opusencHead))
	if err != nil || got != want {
		t.Errorf("ParseHead = %+v, %v; want %+v", got, err, want)
	}
	if b := want.Append(nil); string(b) != opusencHead {
		t.Errorf("Append = %q, want %q", b, opusencHead)
	}
}

func TestParseHeadRefuses(t *testing.T) {
	const rest = "\x38\x01\x44\xac\x00\x00\x00\x00"
	for packet, want := range map[string]error{
		"":                                  ErrNotOpus,
		"\x01vorbis\x00\x00\x00\x00\x02":    ErrNotOpus,
		"OpusHead\x01\x02":                  ErrMalformed,
		"OpusHead\x10\x02" + rest + "\x00":  ErrMalformed,
		"OpusHead\x01\x00" + rest + "\x00":  ErrMalformed,
		"OpusHead\x01\x03" + rest + "\x00":  ErrMapping,
		"OpusHead\x01\x02" + rest + "\x01":  ErrMapping,
		"OpusHead\x01\x06" + rest + "\x01…": ErrMapping,
	} {
		if _, err := ParseHead([]byte(packet)); !errors.Is(err, want) {
			t.Errorf("ParseHead(%q) = %v, want %v", packet, err, want)
		}
	}
	if _, err := ParseHead([]byte("OpusHead\x0f\x01" + rest + "\x00 and more")); err != nil {
		t.Errorf("head of a compatible later version: %v", err)
	}
}
