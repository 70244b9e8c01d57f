package capture

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
)

// rawSamples is a pcmReader of s16le at 48 kHz.
type rawSamples struct {
	in       io.Reader
	channels int
	buffer   []byte
}

func (r *rawSamples) ReadPCM(_ context.Context, pcm []int16) (int, error) {
	if len(r.buffer) < 2*len(pcm) {
		r.buffer = make([]byte, 2*len(pcm))
	}
	bytes, err := io.ReadFull(r.in, r.buffer[:2*len(pcm)])
	n := bytes / (2 * r.channels) * r.channels
	for i := range n {
		pcm[i] = int16(binary.LittleEndian.Uint16(r.buffer[2*i:]))
	}
	return n, endOf(err)
}

func (r *rawSamples) Close() error { return nil }

// wavSamples is a pcmReader of the samples of a WAV file.
type wavSamples struct {
	in     io.Reader
	closer io.Closer // nil: somebody else's
	decode func(b []byte) float64
	mixer  mixer
	rate   *rateConverter

	block  []byte      // 10 ms of the file
	frame  []float64   // one frame of the file
	planes [][]float64 // the block, mixed
	ready  []int16     // converted; ready[used:] was not read yet
	used   int
	ended  error // why there is nothing after ready
}

func newWAVSamples(h wavHeader, in io.Reader, channels int) *wavSamples {
	if h.size >= 0 {
		in = io.LimitReader(in, h.size)
	}
	w := &wavSamples{
		in:     in,
		decode: h.decoder(),
		mixer:  newMixer(h.channels, h.mask, channels),
		rate:   newRateConverter(h.rate, channels),
		block:  make([]byte, h.rate/100*h.channels*h.bits/8),
		frame:  make([]float64, h.channels),
		planes: make([][]float64, channels),
	}
	for i := range w.planes {
		w.planes[i] = make([]float64, h.rate/100)
	}
	return w
}

func (w *wavSamples) ReadPCM(_ context.Context, pcm []int16) (int, error) {
	n := 0
	for n < len(pcm) {
		if w.used < len(w.ready) {
			copied := copy(pcm[n:], w.ready[w.used:])
			n += copied
			w.used += copied
			continue
		}
		if w.ended != nil {
			return n, w.ended
		}
		w.fetch()
	}
	return n, nil
}

// fetch converts the next block.
func (w *wavSamples) fetch() {
	bytes, err := io.ReadFull(w.in, w.block)
	frames := bytes / (len(w.block) / len(w.planes[0]))
	planes := make([][]float64, len(w.planes))
	for i := range planes {
		planes[i] = w.planes[i][:frames]
	}
	w.mix(planes)
	w.used, w.ready = 0, w.rate.convert(w.ready[:0], planes)
	if err != nil {
		w.ended = endOf(err)
		w.ready = w.rate.finish(w.ready)
	}
}

// mix decodes the block into planes.
func (w *wavSamples) mix(planes [][]float64) {
	size := len(w.block) / len(w.planes[0]) / len(w.frame)
	for n := range planes[0] {
		for i := range w.frame {
			w.frame[i] = w.decode(w.block[(n*len(w.frame)+i)*size:])
		}
		for o := range planes {
			planes[o][n] = w.mixer.mix(o, w.frame)
		}
	}
}

func (w *wavSamples) Close() error {
	if w.closer == nil {
		return nil
	}
	return w.closer.Close()
}

// endOf says io.EOF for an end in the middle, too: a file that was cut off is played as
// far as it goes.
func endOf(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	return err
}
