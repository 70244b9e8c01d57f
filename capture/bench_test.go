package capture

import (
	"testing"
	"time"
)

// BenchmarkCallback tells how long the sound system's thread is held up by 20 ms of sound.
func BenchmarkCallback(b *testing.B) {
	r, chunk, pcm := newRecorder(2), make([]byte, 4*period), make([]int16, 2*period)
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(20 * time.Millisecond)
		r.record(now, chunk)
		r.read(pcm)
	}
}

// BenchmarkTone tells what 20 ms of encoded sound cost: almost all of it is the encoder.
func BenchmarkTone(b *testing.B) {
	source, err := openAs(b.Context(), "tone:440", Options{FullSpeed: true})
	if err != nil {
		b.Fatal(err)
	}
	defer source.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := source.ReadPacket(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
