package opus

import (
	"errors"
	"io"
	"slices"
	"testing"
)

func TestWaveformShape(t *testing.T) {
	const second = SampleRate
	for _, seconds := range []int{3, 60} { // the bins are joined a few times in a minute
		third := seconds * second / 3
		sound := slices.Concat(make([]int16, third), tone(440, 0.4, third), tone(440, 0.1, third))
		options := EncoderOptions{Channels: 1, Bitrate: 64000, Complexity: 0, Application: Audio}
		points, level, err := Waveform(packetsOf(mustEncode(t, options, sound)), 99)
		if rms := level.RMS(); rms < -15.8 || rms > -15.2 { // a third each of nothing, 0.4 and 0.1
			t.Errorf("%d s: the level is %.1f dBFS, want -15.5", seconds, rms)
		}
		if err != nil || len(points) != 99 {
			t.Fatalf("%d points, %v", len(points), err)
		}
		for i, point := range points {
			want := [3]int{0, 1024, 256}[i/33]
			if edge := i % 33; edge > 1 && edge < 31 && (point < want-30 || point > want+30) {
				t.Errorf("%d s: point %d is %d, want about %d", seconds, i, point, want)
			}
		}
		if loudest := slices.Max(points); loudest != WaveformPeak {
			t.Errorf("%d s: the loudest point is %d", seconds, loudest)
		}
	}
}

func TestWaveformOfAnyLength(t *testing.T) {
	packet := mustEncode(t, Defaults(), tone(300, 0.5, 2*FrameSize))[1]
	for _, count := range []int{1, 2, 7, 49, 50, 51, 100, 101, 999} {
		points, _, err := Waveform(packetsOf(slices.Repeat([][]byte{packet}, count)), 100)
		if err != nil || len(points) != 100 || slices.Max(points) != WaveformPeak || slices.Min(points) < 0 {
			t.Errorf("%d packets: %d points %v, %v", count, len(points), points, err)
		}
	}
}

func TestWaveformBinsStayFew(t *testing.T) {
	bins := waveformBins{bins: make([]Level, 0, 20), span: waveformStep}
	frame := tone(400, 0.5, 700)
	total := 0
	for range 1000 {
		bins.add(frame)
		total += len(frame)
	}
	counted := 0
	for _, bin := range bins.bins {
		counted += bin.samples
	}
	if len(bins.bins) < 10 || cap(bins.bins) != 20 || counted != total {
		t.Errorf("%d bins of at most %d with %d samples, want 10 to 20 with %d", len(bins.bins), cap(bins.bins), counted, total)
	}
}

func TestWaveformOfQuietSound(t *testing.T) {
	loud := mustEncode(t, Defaults(), tone(300, 0.5, SampleRate))
	bad := [][]byte{nil, {0xFF}, {31 << 3, 1, 2, 3}}
	points, _, err := Waveform(packetsOf(slices.Concat(bad, loud)), 50)
	if err != nil || slices.Max(points) != WaveformPeak {
		t.Errorf("with packets that cannot be decoded: %v, %v", points, err)
	}
	points, level, err := Waveform(packetsOf(mustEncode(t, Defaults(), make([]int16, SampleRate))), 50)
	if err != nil || len(points) != 50 || slices.Max(points) > 50 || level.RMS() > -60 {
		t.Errorf("silence: %v, %v", points, err)
	}
	if points, _, err = Waveform(packetsOf(nil), 50); err != nil || len(points) != 0 {
		t.Errorf("no packets: %v, %v", points, err)
	}
}

func TestWaveformErrors(t *testing.T) {
	broken := errors.New("broken line")
	if _, _, err := Waveform(func() ([]byte, error) { return nil, broken }, 50); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	if _, _, err := Waveform(packetsOf(nil), 0); err == nil {
		t.Error("a waveform of 0 points is drawn")
	}
}

// packetsOf yields packets one by one.
func packetsOf(packets [][]byte) func() ([]byte, error) {
	return func() ([]byte, error) {
		if len(packets) == 0 {
			return nil, io.EOF
		}
		packet := packets[0]
		packets = packets[1:]
		return packet, nil
	}
}
