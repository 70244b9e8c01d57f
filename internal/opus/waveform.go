package opus

import (
	"errors"
	"fmt"
	"io"
)

// WaveformPeak is the largest point of a waveform (MSC3246).
const WaveformPeak = 1024

const (
	waveformStep  = 240 // samples of the shortest bin: 5 ms
	waveformFloor = 33  // amplitude, -60 dBFS: what is below is not made to look loud
)

// Waveform draws the packets that next yields until io.EOF: so many points of
// 0 to WaveformPeak, which is the loudest, and the level of all of it. Sound that
// cannot be decoded is drawn as silence. It takes one pass and memory for two bins
// a point, however long the sound is. Without any sound there are no points.
func Waveform(next func() ([]byte, error), points int) (drawn []int, level Level, err error) {
	if points < 1 {
		return nil, level, fmt.Errorf("a waveform has at least one point, not %d", points)
	}
	decoder, err := NewDecoder(1)
	if err != nil {
		return nil, level, err
	}
	bins := waveformBins{bins: make([]Level, 0, 2*points), span: waveformStep}
	pcm := make([]int16, MaxPacketSamples)
	for {
		packet, err := next()
		if errors.Is(err, io.EOF) {
			return bins.draw(points), bins.level(), nil
		}
		if err != nil {
			return nil, level, err
		}
		bins.add(decodeOrSilence(decoder, packet, pcm))
	}
}

// decodeOrSilence returns the sound of a packet, in the room of pcm.
func decodeOrSilence(decoder *Decoder, packet []byte, pcm []int16) []int16 {
	n, err := decoder.Decode(packet, pcm)
	if err != nil {
		n, _ = PacketDuration(packet) // 0 when even that cannot be told
		clear(pcm[:n])
	}
	return pcm[:n]
}

// waveformBins measures sound in bins of equal length. When there is no room
// for more, they are joined in pairs.
type waveformBins struct {
	bins []Level // the last one may not be full
	span int     // samples of a full bin
}

func (w *waveformBins) add(pcm []int16) {
	for len(pcm) > 0 {
		last := w.last()
		n := min(len(pcm), w.span-last.samples)
		last.Add(pcm[:n])
		pcm = pcm[n:]
	}
}

// last returns a bin that has room.
func (w *waveformBins) last() *Level {
	n := len(w.bins)
	if n > 0 && w.bins[n-1].samples < w.span {
		return &w.bins[n-1]
	}
	if n == cap(w.bins) {
		w.join()
	}
	w.bins = append(w.bins, Level{})
	return &w.bins[len(w.bins)-1]
}

// join halves the number of the bins, which is even.
func (w *waveformBins) join() {
	for i := range len(w.bins) / 2 {
		pair := w.bins[2*i]
		pair.merge(w.bins[2*i+1])
		w.bins[i] = pair
	}
	w.bins = w.bins[:len(w.bins)/2]
	w.span *= 2
}

// level is that of all bins together.
func (w *waveformBins) level() (all Level) {
	for _, bin := range w.bins {
		all.merge(bin)
	}
	return all
}

// draw spreads the bins over the points.
func (w *waveformBins) draw(points int) []int {
	if len(w.bins) == 0 {
		return nil
	}
	amplitudes := make([]float64, points)
	loudest := float64(waveformFloor)
	for i := range amplitudes {
		from, to := i*len(w.bins)/points, (i+1)*len(w.bins)/points
		var level Level
		for _, bin := range w.bins[from:max(to, from+1)] {
			level.merge(bin)
		}
		amplitudes[i] = level.amplitude()
		loudest = max(loudest, amplitudes[i])
	}
	drawn := make([]int, points)
	for i, amplitude := range amplitudes {
		drawn[i] = int(amplitude/loudest*WaveformPeak + 0.5)
	}
	return drawn
}
