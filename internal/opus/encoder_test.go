package opus

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"broadcastbot/internal/testhelp"
)

func TestEncoderRoundTripsSpeech(t *testing.T) {
	speech := mustSpeech(t)
	for _, test := range []struct {
		options     EncoderOptions
		snr         float64 // dB at least; voip shifts phases, so there it says little
		correlation float64
	}{
		{Defaults(), 3, 0.8},
		{EncoderOptions{Channels: 1, Bitrate: 64000, Complexity: 10, Application: Audio}, 18, 0.99},
		{EncoderOptions{Channels: 1, Bitrate: 64000, Complexity: 0, Application: Audio}, 15, 0.98},
		{EncoderOptions{Channels: 1, Bitrate: 48000, Complexity: 10, Application: Audio, VBR: true}, 8, 0.93}, // hybrid,
	} {
		t.Run(fmt.Sprintf("%+v", test.options), func(t *testing.T) {
			packets := mustEncode(t, test.options, speech)
			heard := mustDecode(t, 1, 312, packets)
			snr, c := signalToNoise(speech, heard), testhelp.Correlation(speech, heard)
			t.Logf("SNR %.1f dB, correlation %.3f", snr, c)
			if snr < test.snr || c < test.correlation {
				t.Errorf("SNR %.1f dB, correlation %.3f; want %.1f, %.3f at least", snr, c, test.snr, test.correlation)
			}
		})
	}
}

func TestEncoderStereo(t *testing.T) {
	left, right := mustSpeech(t), []int16(nil)
	right = tone(1000, 0.3, len(left))
	options := EncoderOptions{Channels: 2, Bitrate: 128000, Complexity: 10, Application: Audio}
	packets := mustEncode(t, options, interleave(left, right))
	for i, packet := range packets {
		if stereo := packet[0]&4 != 0; !stereo || len(packet) != 320 { // RFC 6716, 3.1
			t.Fatalf("packet %d: stereo %v, %d bytes; want true, 320", i, stereo, len(packet))
		}
	}
	heard := mustDecode(t, 2, 312, packets)
	for i, want := range [][]int16{left, right} {
		if snr := signalToNoise(want, channel(heard, i)); snr < 15 {
			t.Errorf("channel %d: SNR %.1f dB, want 15 at least", i, snr)
		}
	}
}

// The sizes say nothing of the sound, whatever the sound is.
func TestEncoderConstantBitrate(t *testing.T) {
	speech := mustSpeech(t)
	random := rand.New(rand.NewPCG(1, 2))
	sound := append(speech[:SampleRate:SampleRate], make([]int16, SampleRate/2)...) // a long pause would be DTX's chance
	for range SampleRate / 4 {
		sound = append(sound, int16(random.Uint32()))
	}
	for _, bitrate := range []int{6000, 12000, 16000, 24000, 32000, 48000, 64000, 510000} {
		for _, application := range []Application{VoIP, Audio} {
			for i, packet := range mustEncode(t, EncoderOptions{Channels: 1, Bitrate: bitrate, Complexity: 10, Application: application}, sound) {
				samples, err := PacketDuration(packet)
				if len(packet) != bitrate/400 || samples != FrameSize || err != nil {
					t.Fatalf("%s at %d: packet %d has %d bytes, %d samples, %v; want %d bytes", application, bitrate, i, len(packet), samples, err, bitrate/400)
				}
			}
		}
	}
}

func TestEncoderVariableBitrate(t *testing.T) {
	speech := mustSpeech(t)
	options := Defaults()
	options.VBR = true
	packets := mustEncode(t, options, append(speech, make([]int16, SampleRate)...))
	sizes := map[int]bool{}
	total := 0
	for _, packet := range packets {
		sizes[len(packet)] = true
		total += len(packet)
		if len(packet) < 3 {
			t.Errorf("packet of %d bytes: that is DTX", len(packet))
		}
	}
	if mean := float64(total) / float64(len(packets)); len(sizes) < 10 || mean > 100 {
		t.Errorf("%d sizes, %.1f bytes on average; want many sizes, about 80", len(sizes), mean)
	}
}

func TestEncoderPreSkip(t *testing.T) {
	for _, channels := range []int{1, 2} {
		for _, application := range []Application{VoIP, Audio} {
			encoder, err := NewEncoder(EncoderOptions{Channels: channels, Bitrate: 32000, Complexity: 5, Application: application})
			if err != nil {
				t.Fatal(err)
			}
			if got := encoder.PreSkip(); got != 312 {
				t.Errorf("%d channels, %s: pre-skip %d, want 312", channels, application, got)
			}
		}
	}
}

func TestEncodeDoesNotAllocate(t *testing.T) {
	speech := mustSpeech(t)
	for _, vbr := range []bool{false, true} {
		options := Defaults()
		options.VBR = vbr
		encoder, err := NewEncoder(options)
		if err != nil {
			t.Fatal(err)
		}
		packet := make([]byte, MaxPacketSize)
		rest := speech
		allocations := testing.AllocsPerRun(150, func() {
			if _, err := encoder.Encode(rest[:FrameSize], packet); err != nil {
				t.Fatal(err)
			}
			rest = rest[FrameSize:]
		})
		if allocations != 0 {
			t.Errorf("VBR %v: %v allocations per frame", vbr, allocations)
		}
	}
}

func TestEncoderRefuses(t *testing.T) {
	for says, change := range map[string]func(*EncoderOptions){
		"channels has to be 1 or 2, not 0":                             func(o *EncoderOptions) { *o = EncoderOptions{} },
		"channels has to be 1 or 2, not 3":                             func(o *EncoderOptions) { o.Channels = 3 },
		"bitrate has to be 6000 to 510000 bits per second, not 5999":   func(o *EncoderOptions) { o.Bitrate = 5999 },
		"bitrate has to be 6000 to 510000 bits per second, not 510001": func(o *EncoderOptions) { o.Bitrate = 510001 },
		"complexity has to be 0 to 10, not 11":                         func(o *EncoderOptions) { o.Complexity = 11 },
		"complexity has to be 0 to 10, not -1":                         func(o *EncoderOptions) { o.Complexity = -1 },
		`application has to be voip or audio, not "music"`:             func(o *EncoderOptions) { o.Application = "music" },
	} {
		options := Defaults()
		change(&options)
		if _, err := NewEncoder(options); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("NewEncoder(%+v) = %v, want %q", options, err, says)
		}
	}
	encoder, err := NewEncoder(Defaults())
	if err != nil {
		t.Fatal(err)
	}
	for _, samples := range []int{0, FrameSize - 1, FrameSize / 2, 2 * FrameSize} {
		if _, err := encoder.Encode(make([]int16, samples), make([]byte, MaxPacketSize)); err == nil {
			t.Errorf("a frame of %d samples is encoded", samples)
		}
	}
	if _, err := encoder.Encode(make([]int16, FrameSize), make([]byte, MaxPacketSize-1)); err == nil {
		t.Error("a packet is made without room for the largest one")
	}
}
