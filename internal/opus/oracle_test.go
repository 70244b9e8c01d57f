//go:build libopus

package opus

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	libopus "github.com/hraban/opus"
)

// The same speech, encoded by libopus, has packets of the same kind and size
// and sounds as good. Needs libopus-dev:
//
//	go test -tags goolm,libopus,nolibopusfile ./internal/opus
func TestEncoderMatchesLibopus(t *testing.T) {
	speech := mustSpeech(t)
	for _, options := range []EncoderOptions{
		Defaults(),
		{Channels: 1, Bitrate: 16000, Complexity: 10, Application: VoIP},
		{Channels: 1, Bitrate: 24000, Complexity: 5, Application: VoIP},
		{Channels: 1, Bitrate: 64000, Complexity: 10, Application: VoIP},
		{Channels: 1, Bitrate: 32000, Complexity: 10, Application: Audio},
		{Channels: 1, Bitrate: 64000, Complexity: 10, Application: Audio},
		{Channels: 2, Bitrate: 128000, Complexity: 10, Application: Audio},
	} {
		t.Run(fmt.Sprintf("%d channels, %d, %s", options.Channels, options.Bitrate, options.Application), func(t *testing.T) {
			pcm := speech
			if options.Channels == 2 {
				pcm = interleave(speech, tone(300, 0.2, len(speech)))
			}
			ours, theirs := mustEncode(t, options, pcm), mustEncodeLibopus(t, options, pcm)
			equal, sameTOC := 0, 0
			for i := range ours {
				if len(ours[i]) != len(theirs[i]) {
					t.Fatalf("packet %d has %d bytes, libopus makes %d", i, len(ours[i]), len(theirs[i]))
				}
				if ours[i][0]>>2 == theirs[i][0]>>2 { // configuration and channels
					sameTOC++
				}
				if bytes.Equal(ours[i], theirs[i]) {
					equal++
				}
			}
			if sameTOC < len(ours)*95/100 { // versions differ in when they find that the sound has no highs
				t.Errorf("%d of %d packets are of another kind than those of libopus", len(ours)-sameTOC, len(ours))
			}
			ourSNR := signalToNoise(pcm, mustDecodeLibopus(t, options.Channels, ours))
			theirSNR := signalToNoise(pcm, mustDecodeLibopus(t, options.Channels, theirs))
			t.Logf("SNR %.1f dB, of libopus %.1f dB; of %d packets %d are of the same kind, %d identical", ourSNR, theirSNR, len(ours), sameTOC, equal)
			if math.Abs(ourSNR-theirSNR) > 1 {
				t.Errorf("SNR %.1f dB, that of libopus is %.1f dB", ourSNR, theirSNR)
			}
		})
	}
}

// Packets sound as they do with libopus.
func TestDecoderMatchesLibopus(t *testing.T) {
	speech := mustSpeech(t)
	for _, options := range []EncoderOptions{
		Defaults(),
		{Channels: 1, Bitrate: 12000, Complexity: 10, Application: VoIP},
		{Channels: 1, Bitrate: 64000, Complexity: 10, Application: Audio},
		{Channels: 2, Bitrate: 48000, Complexity: 10, Application: VoIP},
		{Channels: 2, Bitrate: 96000, Complexity: 10, Application: Audio},
	} {
		t.Run(fmt.Sprintf("%d channels, %d, %s", options.Channels, options.Bitrate, options.Application), func(t *testing.T) {
			pcm := speech
			if options.Channels == 2 {
				pcm = interleave(speech[1000:], speech)
			}
			packets := mustEncodeLibopus(t, options, pcm)
			snr := signalToNoise(mustDecodeLibopus(t, options.Channels, packets), mustDecode(t, options.Channels, 312, packets))
			t.Logf("%.1f dB", snr)
			if snr < 40 {
				t.Errorf("the difference to libopus is only %.1f dB below the sound", snr)
			}
		})
	}
}

func mustEncodeLibopus(t *testing.T, o EncoderOptions, pcm []int16) (packets [][]byte) {
	t.Helper()
	application := libopus.AppVoIP
	if o.Application == Audio {
		application = libopus.AppAudio
	}
	encoder, err := libopus.NewEncoder(SampleRate, o.Channels, application)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{encoder.SetBitrate(o.Bitrate), encoder.SetComplexity(o.Complexity), encoder.SetVBR(o.VBR)} {
		if err != nil {
			t.Fatal(err)
		}
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

func mustDecodeLibopus(t *testing.T, channels int, packets [][]byte) (pcm []int16) {
	t.Helper()
	decoder, err := libopus.NewDecoder(SampleRate, channels)
	if err != nil {
		t.Fatal(err)
	}
	frame := make([]int16, MaxPacketSamples*channels)
	for _, packet := range packets {
		n, err := decoder.Decode(packet, frame)
		if err != nil {
			t.Fatal(err)
		}
		pcm = append(pcm, frame[:n*channels]...)
	}
	return pcm[312*channels:]
}
