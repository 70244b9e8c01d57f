package opus

import (
	"testing"
	"time"
)

func BenchmarkEncode(b *testing.B) {
	speech := mustSpeech(b)
	for _, application := range []Application{VoIP, Audio} {
		b.Run(string(application), func(b *testing.B) {
			options := Defaults()
			options.Application = application
			encoder, err := NewEncoder(options)
			if err != nil {
				b.Fatal(err)
			}
			packet := make([]byte, MaxPacketSize)
			b.ReportAllocs()
			rest := speech
			for b.Loop() {
				if len(rest) < FrameSize {
					rest = speech
				}
				if _, err := encoder.Encode(rest[:FrameSize], packet); err != nil {
					b.Fatal(err)
				}
				rest = rest[FrameSize:]
			}
			reportSpeed(b)
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	packets := mustEncode(b, Defaults(), mustSpeech(b))
	decoder, err := NewDecoder(1)
	if err != nil {
		b.Fatal(err)
	}
	pcm := make([]int16, MaxPacketSamples)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := decoder.Decode(packets[i%len(packets)], pcm); err != nil {
			b.Fatal(err)
		}
		i++
	}
	reportSpeed(b)
}

// reportSpeed says how many times faster than the sound this is.
func reportSpeed(b *testing.B) {
	sound := time.Duration(b.N) * 20 * time.Millisecond
	b.ReportMetric(sound.Seconds()/b.Elapsed().Seconds(), "x-real-time")
}
