package capture

import (
	"fmt"
	"math"
	"testing"

	"broadcastbot/internal/opus"
)

// TestResampling compares what comes of a sine at another rate with the sine at 48 kHz:
// same pitch, level, time and length.
func TestResampling(t *testing.T) {
	const frequency, level, seconds = 997.0, 20000.0, 2
	for _, rate := range []int{8000, 11025, 16000, 22050, 32000, 44100, 47999, 48000, 88200, 96000, 192000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			var data []byte
			for i := range seconds * rate {
				sample := int16(math.Round(level * math.Sin(2*math.Pi*frequency*float64(i)/float64(rate))))
				data = append(data, byte(sample), byte(uint16(sample)>>8))
			}
			got, err := readWAV(wavFile("fmt ", wavFormatChunk(1, 1, rate, 16), "data", data), 1)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != seconds*opus.SampleRate {
				t.Errorf("%d samples, want %d", len(got), seconds*opus.SampleRate)
			}
			if snr := snrOfSine(got, frequency, level); snr < 70 {
				t.Errorf("the sine is %.0f dB above the noise, want 70", snr)
			}
		})
	}
}

// snrOfSine compares samples with a sine, but for 50 ms at the edges, where a filter
// has no neighbours.
func snrOfSine(pcm []int16, frequency, level float64) float64 {
	const edge = opus.SampleRate / 20
	var signal, noise float64
	for i := edge; i < len(pcm)-edge; i++ {
		want := level * math.Sin(2*math.Pi*frequency*float64(i)/opus.SampleRate)
		signal += want * want
		noise += (want - float64(pcm[i])) * (want - float64(pcm[i]))
	}
	return 10 * math.Log10(signal/noise)
}

func TestResamplingOddLengths(t *testing.T) {
	for _, n := range []int{1, 2, 100, 441, 44099} {
		got, err := readWAV(wavFile("fmt ", wavFormatChunk(1, 1, 44100, 16), "data", make([]byte, 2*n)), 1)
		if want := int(math.Round(float64(n) * 48000 / 44100)); err != nil || len(got) != want {
			t.Errorf("%d samples at 44.1 kHz became %d, %v; want %d", n, len(got), err, want)
		}
	}
}
