package capture

import "encoding/binary"

// ring is a queue of samples with a fixed capacity: nothing it does allocates. It has no
// lock; its owner has.
type ring struct {
	samples []int16
	start   int // index of the oldest sample
	length  int // samples waiting
}

func newRing(capacity int) ring { return ring{samples: make([]int16, capacity)} }

// write appends native-endian 16-bit samples and returns how many there was room for.
func (r *ring) write(b []byte) int {
	n := min(len(b)/2, len(r.samples)-r.length)
	for i := range n {
		r.push(int16(binary.NativeEndian.Uint16(b[2*i:])))
	}
	return n
}

// writeSilence appends up to n zero samples and returns how many there was room for.
func (r *ring) writeSilence(n int) int {
	n = min(n, len(r.samples)-r.length)
	for range n {
		r.push(0)
	}
	return n
}

func (r *ring) push(sample int16) {
	end := r.start + r.length
	if end >= len(r.samples) {
		end -= len(r.samples)
	}
	r.samples[end] = sample
	r.length++
}

// read moves up to len(pcm) of the oldest samples to pcm and returns how many it moved.
func (r *ring) read(pcm []int16) int {
	n := min(len(pcm), r.length)
	first := copy(pcm[:n], r.samples[r.start:])
	copy(pcm[first:n], r.samples)
	r.start = (r.start + n) % len(r.samples)
	r.length -= n
	return n
}
