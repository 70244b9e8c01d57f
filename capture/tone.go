package capture

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"broadcastbot/internal/opus"
)

const (
	defaultToneFrequency = 440  // Hz
	toneLevel            = 8192 // peak, -12 dBFS
	beepSamples          = opus.SampleRate / 2
	fadeSamples          = opus.SampleRate / 100
)

// tone beeps: half a second of sine, half a second of silence, so that a listener hears
// that the show is running. Every tenth beep is an octave higher.
type tone struct {
	frequency float64 // Hz
	channels  int
	position  int64 // samples per channel
	end       int64 // 0: endless
}

// openTone opens "", "440" or "440,duration=30s".
func openTone(ctx context.Context, spec string, o Options) (Source, error) {
	t, err := parseTone(spec)
	if err != nil {
		return nil, err
	}
	t.channels = o.Encoder.Channels
	source, err := newEncoded(t, o.Encoder)
	if err != nil {
		return nil, err
	}
	return newPaced(ctx, source, o.FullSpeed)
}

func parseTone(spec string) (*tone, error) {
	t := &tone{frequency: defaultToneFrequency}
	frequency, parameter, limited := strings.Cut(spec, ",")
	if frequency != "" {
		f, err := strconv.ParseFloat(frequency, 64)
		if err != nil || !(f >= 20 && f <= 20000) {
			return nil, fmt.Errorf("tone %q: the frequency must be 20 to 20000 Hz, as in tone:440", frequency)
		}
		t.frequency = f
	}
	if !limited {
		return t, nil
	}
	value, named := strings.CutPrefix(parameter, "duration=")
	duration, err := time.ParseDuration(value)
	if !named || err != nil || duration <= 0 {
		return nil, fmt.Errorf("tone parameter %q: use duration= and a time, as in tone:440,duration=30s", parameter)
	}
	t.end = max(opus.Samples(duration), 1)
	return t, nil
}

func (t *tone) ReadPCM(_ context.Context, pcm []int16) (int, error) {
	for i := 0; i < len(pcm); i += t.channels {
		if t.end > 0 && t.position >= t.end {
			return i, io.EOF
		}
		sample := t.sample()
		for channel := range t.channels {
			pcm[i+channel] = sample
		}
		t.position++
	}
	return len(pcm), nil
}

// sample returns the sample at t.position. Beeps fade in and out, because an edge would
// click.
func (t *tone) sample() int16 {
	second, n := t.position/opus.SampleRate, t.position%opus.SampleRate
	if n >= beepSamples {
		return 0
	}
	frequency := t.frequency
	if second%10 == 9 && 2*frequency <= 20000 {
		frequency *= 2
	}
	fade := min(1, float64(n)/fadeSamples, float64(beepSamples-n)/fadeSamples)
	return int16(math.Round(toneLevel * fade * math.Sin(2*math.Pi*frequency*float64(n)/opus.SampleRate)))
}

func (t *tone) Close() error { return nil }
