package capture

import (
	"sync"
	"time"

	"broadcastbot/internal/opus"
)

// recorderSeconds is how much sound waits for a slow reader, in seconds, before the newest
// is dropped.
const recorderSeconds = 10

// recorder stands between the sound system's thread, which must never wait, and the
// reader.
type recorder struct {
	channels int
	wake     chan struct{} // holds a value when sound arrived since the last look

	mu       sync.Mutex // held for the copying of a few milliseconds of sound
	ring     ring
	timeline timeline
	surplus  int       // samples still to be dropped to meet the clock
	heard    time.Time // when the device last delivered; at first, when the device had been opened
	stats    Stats
}

func newRecorder(channels int) *recorder {
	return &recorder{
		channels: channels,
		wake:     make(chan struct{}, 1),
		ring:     newRing(recorderSeconds * opus.SampleRate * channels),
	}
}

// start says when the device had been opened, which may take long: the silence before
// that is not recorded.
func (r *recorder) start(opened time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.heard.IsZero() { // else it has delivered already
		r.heard = opened
	}
}

// record takes what a device delivered at now: whole frames of native-endian 16-bit
// samples. It runs on the sound system's thread: no allocation, no log.
func (r *recorder) record(now time.Time, b []byte) {
	r.mu.Lock()
	r.heard = now
	kept := r.write(b)
	missing := r.timeline.arrived(now, kept/r.channels)
	if missing > 0 {
		r.fill(missing)
	} else if missing < 0 {
		r.surplus += int(-missing) * r.channels
		r.timeline.frames += missing
	}
	r.mu.Unlock()
	r.signal()
}

// write appends b to the ring, without what is too much, and returns how many samples of it
// have a place on the timeline.
func (r *recorder) write(b []byte) int {
	drop := min(r.surplus, len(b)/2)
	r.surplus -= drop
	written := r.ring.write(b[2*drop:])
	r.stats.DroppedSamples += int64((len(b)/2 - written) / r.channels)
	return drop + written
}

// fill writes silence for the missing frames, as far as there is room.
func (r *recorder) fill(missing int64) {
	filled := int64(r.ring.writeSilence(int(missing)*r.channels) / r.channels)
	r.timeline.frames += filled
	r.stats.SilenceSamples += filled
}

// fillGap fills the time up to now with silence: called while there is no device.
func (r *recorder) fillGap(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timeline.start.IsZero() {
		r.timeline.start, r.timeline.calibrated = r.heard, true
		r.timeline.openWindow(now)
	}
	if missing := r.timeline.behind(now); missing > 0 {
		r.fill(missing)
	}
}

// read moves recorded samples to pcm without waiting and returns how many.
func (r *recorder) read(pcm []int16) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ring.read(pcm)
}

func (r *recorder) lastHeard() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.heard
}

func (r *recorder) reopened() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Reopened++
}

func (r *recorder) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats
}

func (r *recorder) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}
