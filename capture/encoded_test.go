package capture

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"broadcastbot/internal/opus"
	"broadcastbot/internal/testhelp"
)

// TestEncodedLength checks that neither the beginning nor the end of the sound is cut
// or stretched, whatever its length.
func TestEncodedLength(t *testing.T) {
	for _, channels := range []int{1, 2} {
		for _, n := range []int{1, 311, 312, 647, 648, 649, 959, 960, 961, 1608, 1609, 48000} {
			t.Run(fmt.Sprintf("%d channels, %d samples", channels, n), func(t *testing.T) {
				var data []byte
				for i := range n * channels {
					sample := testhelp.Sweep(i / channels)
					data = append(data, byte(sample), byte(uint16(sample)>>8))
				}
				path := mustWrite(t, "sound", wavFile("fmt ", wavFormatChunk(1, channels, 48000, 16), "data", data))
				source := mustOpen(t, "file:"+path, Options{Encoder: clean(channels), FullSpeed: true})
				packets := mustReadAll(t, source)
				pcm := mustDecode(t, source.Format(), packets, source.EndTrim())
				if len(pcm) != n*channels {
					t.Fatalf("%d samples came of %d", len(pcm)/channels, n)
				}
				if n < 48000 {
					return
				}
				for i := 0; i < n; i += n / 5 {
					if c := testhelp.Correlation(pcm[i*channels:(i+n/5)*channels], sweeps(i, n/5, channels)); c < 0.98 {
						t.Errorf("from sample %d on the sound is not what it was: correlation %.3f", i, c)
					}
				}
				if got, want := level(pcm[len(pcm)-960*channels:]), level(sweeps(n-960, 960, channels)); got < want*0.7 {
					t.Errorf("the last 20 ms are faint: level %.0f, want %.0f", got, want)
				}
			})
		}
	}
}

func sweeps(from, n, channels int) (pcm []int16) {
	for i := range n * channels {
		pcm = append(pcm, testhelp.Sweep(from+i/channels))
	}
	return pcm
}

func TestEncodedFormat(t *testing.T) {
	for _, vbr := range []bool{false, true} {
		o := clean(2)
		o.VBR = vbr
		format := mustOpen(t, "tone:", Options{Encoder: o, FullSpeed: true}).Format()
		want := Format{Channels: 2, PreSkip: 312, Bitrate: o.Bitrate}
		if vbr {
			want.Bitrate = 0
		}
		if format != want {
			t.Errorf("VBR %v: %+v, want %+v", vbr, format, want)
		}
	}
}

func TestEncodedStaysAtItsEnd(t *testing.T) {
	source := mustOpen(t, "tone:440,duration=100ms", Options{Encoder: clean(1), FullSpeed: true})
	mustReadAll(t, source)
	trim := source.EndTrim()
	if _, err := source.ReadPacket(t.Context()); !errors.Is(err, io.EOF) || source.EndTrim() != trim || trim != opus.FrameSize-312 {
		t.Errorf("after the end: %v, end trim %d, then %d", err, trim, source.EndTrim())
	}
}
