package capture

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestRing compares the ring with a slice over random writes and reads.
func TestRing(t *testing.T) {
	r := newRing(100)
	var queue []int16
	random := rand.New(rand.NewPCG(1, 2))
	for range 10000 {
		room := 100 - len(queue)
		n := random.IntN(60)
		switch random.IntN(3) {
		case 0:
			var b []byte
			for i := range n {
				sample := int16(random.Uint32())
				b = binary.NativeEndian.AppendUint16(b, uint16(sample))
				if i < room {
					queue = append(queue, sample)
				}
			}
			if got := r.write(b); got != min(n, room) {
				t.Fatalf("write of %d into room for %d took %d", n, room, got)
			}
		case 1:
			queue = append(queue, make([]int16, min(n, room))...)
			if got := r.writeSilence(n); got != min(n, room) {
				t.Fatalf("silence of %d into room for %d took %d", n, room, got)
			}
		case 2:
			pcm := make([]int16, n)
			got := r.read(pcm)
			if !slices.Equal(pcm[:got], queue[:min(n, len(queue))]) {
				t.Fatalf("read %v, want the beginning of %v", pcm[:got], queue)
			}
			queue = queue[got:]
		}
	}
}
