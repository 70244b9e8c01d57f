package opus

import (
	"bytes"
	"errors"
	"testing"
)

func TestDecoderChannels(t *testing.T) {
	left, right := tone(440, 0.5, SampleRate), tone(440, 0.25, SampleRate)
	stereo := EncoderOptions{Channels: 2, Bitrate: 96000, Complexity: 10, Application: Audio}
	mono := EncoderOptions{Channels: 1, Bitrate: 64000, Complexity: 10, Application: Audio}

	heard := mustDecode(t, 1, 312, mustEncode(t, stereo, interleave(left, right)))
	middle := tone(440, 0.375, SampleRate)
	if snr := signalToNoise(middle, heard); snr < 20 {
		t.Errorf("stereo heard in mono: SNR %.1f dB", snr)
	}
	heard = mustDecode(t, 2, 312, mustEncode(t, mono, left))
	for i := range 2 {
		if snr := signalToNoise(left, channel(heard, i)); snr < 20 {
			t.Errorf("mono heard in stereo, channel %d: SNR %.1f dB", i, snr)
		}
	}
	if _, err := NewDecoder(3); err == nil {
		t.Error("a decoder of 3 channels is made")
	}
}

func TestDecoderRefuses(t *testing.T) {
	decoder, err := NewDecoder(1)
	if err != nil {
		t.Fatal(err)
	}
	good := mustEncode(t, Defaults(), tone(300, 0.5, SampleRate))
	pcm := make([]int16, FrameSize)
	for _, packet := range [][]byte{nil, {}, {31<<3 | 3}, {31<<3 | 3, 0}, {31<<3 | 1, 1, 2, 3}, append([]byte{31 << 3}, make([]byte, 1300)...)} {
		if _, err := decoder.Decode(packet, make([]int16, MaxPacketSamples)); !errors.Is(err, ErrBadPacket) {
			t.Errorf("packet %.5x: %v, want ErrBadPacket", packet, err)
		}
	}
	if _, err := decoder.Decode(good[0], pcm[:FrameSize-1]); err == nil {
		t.Error("a packet is decoded without room for it")
	}
	var level Level
	for i, packet := range good {
		n, err := decoder.Decode(packet, pcm)
		if n != FrameSize || err != nil {
			t.Fatalf("packet %d after errors: %d samples, %v", i, n, err)
		}
		level.Add(pcm)
	}
	if rms := level.RMS(); rms < -11 || rms > -8 {
		t.Errorf("RMS %.1f dBFS after errors, want -9", rms)
	}
}

// Whatever comes in, the decoder refuses it or makes as many samples as
// PacketDuration says, and can go on.
func FuzzDecoder(f *testing.F) {
	speech := mustEncode(f, Defaults(), tone(300, 0.5, 3*FrameSize))
	music := mustEncode(f, EncoderOptions{Channels: 2, Bitrate: 24000, Complexity: 1, Application: Audio}, interleave(tone(300, 0.5, 3*FrameSize), tone(400, 0.5, 3*FrameSize)))
	f.Add(speech[0], speech[1])
	f.Add(music[0], speech[0])
	f.Add([]byte{11<<3 | 7, 0x82, 1, 0, 0}, music[1])
	f.Fuzz(func(t *testing.T, first, second []byte) {
		for _, channels := range []int{1, 2} {
			decoder, err := NewDecoder(channels)
			if err != nil {
				t.Fatal(err)
			}
			pcm := make([]int16, MaxPacketSamples*channels)
			for _, packet := range [][]byte{first, second} {
				before := bytes.Clone(packet)
				samples, durationErr := PacketDuration(packet)
				n, err := decoder.Decode(packet, pcm)
				if err != nil && !errors.Is(err, ErrBadPacket) || err == nil && (n != samples || durationErr != nil) {
					t.Fatalf("Decode = %d, %v; PacketDuration = %d, %v", n, err, samples, durationErr)
				}
				if !bytes.Equal(before, packet) {
					t.Fatal("Decode changed the packet")
				}
			}
		}
	})
}
