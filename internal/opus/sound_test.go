package opus

import (
	"bytes"
	"encoding/binary"
	"math"
	"os/exec"
	"testing"
)

// mustSpeech returns some seconds of speech, mono.
func mustSpeech(t testing.TB) []int16 {
	t.Helper()
	for _, tool := range []string{"espeak-ng", "sox"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c",
		`espeak-ng -v en-gb -s 150 --stdout 'Good evening from the radio station. This is a test of the voice on air, and here is the news.' |
		sox -D -t wav - -t raw -r 48000 -c 1 -b 16 -e signed -L - rate -v norm -3`)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	raw, err := cmd.Output()
	if err != nil || len(raw) < 3*SampleRate*2 {
		t.Fatalf("%d bytes of speech, %v: %s", len(raw), err, stderr.Bytes())
	}
	pcm := make([]int16, len(raw)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
	}
	return pcm
}

// tone returns a sine of one channel; amplitude 1 is full scale.
func tone(frequency, amplitude float64, samples int) []int16 {
	pcm := make([]int16, samples)
	for i := range pcm {
		pcm[i] = int16(amplitude * 32767 * math.Sin(2*math.Pi*frequency*float64(i)/SampleRate))
	}
	return pcm
}

// interleave makes stereo of two channels.
func interleave(left, right []int16) []int16 {
	pcm := make([]int16, 0, 2*len(left))
	for i := range left {
		pcm = append(pcm, left[i], right[i])
	}
	return pcm
}

// channel returns one channel of stereo.
func channel(pcm []int16, which int) []int16 {
	one := make([]int16, 0, len(pcm)/2)
	for i := which; i < len(pcm); i += 2 {
		one = append(one, pcm[i])
	}
	return one
}

// mustEncode encodes pcm and as much silence as it takes to get all of it out.
func mustEncode(t testing.TB, o EncoderOptions, pcm []int16) (packets [][]byte) {
	t.Helper()
	encoder, err := NewEncoder(o)
	if err != nil {
		t.Fatal(err)
	}
	frame := FrameSize * o.Channels
	padded := append(pcm[:len(pcm):len(pcm)], make([]int16, 2*frame)...)
	packet := make([]byte, MaxPacketSize)
	for ; len(padded) >= frame; padded = padded[frame:] {
		n, err := encoder.Encode(padded[:frame], packet)
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, bytes.Clone(packet[:n]))
	}
	return packets
}

// mustDecode decodes packets and drops the pre-skip.
func mustDecode(t testing.TB, channels, preSkip int, packets [][]byte) (pcm []int16) {
	t.Helper()
	decoder, err := NewDecoder(channels)
	if err != nil {
		t.Fatal(err)
	}
	frame := make([]int16, MaxPacketSamples*channels)
	for i, packet := range packets {
		n, err := decoder.Decode(packet, frame)
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		pcm = append(pcm, frame[:n*channels]...)
	}
	return pcm[preSkip*channels:]
}

// signalToNoise returns how much louder want is than its difference to got, in dB.
func signalToNoise(want, got []int16) float64 {
	var signal, noise float64
	for i, v := range want {
		difference := float64(v) - float64(got[i])
		signal += float64(v) * float64(v)
		noise += difference * difference
	}
	return 10 * math.Log10(signal/noise)
}
