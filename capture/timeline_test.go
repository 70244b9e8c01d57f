package capture

import (
	"math/rand/v2"
	"testing"
	"time"

	"broadcastbot/internal/opus"
)

const period = 960 // frames of a callback

// simulation delivers frames to a recorder as a device would, without a clock.
type simulation struct {
	recorder *recorder
	start    time.Time
	out      int // samples that a reader got
	chunk    []byte
	pcm      []int16
}

func newSimulation() *simulation {
	s := &simulation{recorder: newRecorder(1), start: time.Now(), chunk: make([]byte, 2*period), pcm: make([]int16, 2*period)}
	s.recorder.start(s.start)
	return s
}

// deliver gives the recorder a period of sound at a time after the start; the reader
// takes it at once.
func (s *simulation) deliver(at time.Duration) {
	s.recorder.record(s.start.Add(at), s.chunk)
	s.read()
}

func (s *simulation) read() {
	for {
		n := s.recorder.read(s.pcm)
		if n == 0 {
			return
		}
		s.out += n
	}
}

// offset returns how far the recording is ahead of the clock, in frames.
func (s *simulation) offset(now time.Duration) int { return s.out - int(opus.Samples(now)) }

func TestTimelineLeavesLateFramesAlone(t *testing.T) {
	s := newSimulation()
	random := rand.New(rand.NewPCG(1, 2))
	for i := 1; i <= 20*60*50; i++ {
		late := time.Duration(random.IntN(60)) * time.Millisecond
		if i%1000 < 20 {
			late = 600*time.Millisecond - time.Duration(i%1000)*20*time.Millisecond // a hiccup: 20 frames at once
		}
		s.deliver(time.Duration(i)*20*time.Millisecond + late)
	}
	if stats := s.recorder.Stats(); stats != (Stats{}) {
		t.Errorf("twenty minutes of late but complete frames was changed: %+v", stats)
	}
}

func TestTimelineFillsLoss(t *testing.T) {
	s := newSimulation()
	for i := 1; i <= 1000; i++ {
		if i >= 500 && i < 505 { // 100 ms
			continue
		}
		s.deliver(time.Duration(i) * 20 * time.Millisecond)
	}
	if offset := s.offset(20 * time.Second); offset != 0 {
		t.Errorf("after a loss of 100 ms the recording is %d samples off the clock", offset)
	}
	if got := s.recorder.Stats().SilenceSamples; got != 4800 {
		t.Errorf("%d samples of silence were recorded, want 4800", got)
	}
}

func TestTimelineFollowsCrystal(t *testing.T) {
	for name, every := range map[string]time.Duration{
		"slow": 20*time.Millisecond + 6*time.Microsecond, // 300 ppm
		"fast": 20*time.Millisecond - 6*time.Microsecond,
	} {
		t.Run(name, func(t *testing.T) {
			s := newSimulation()
			for i := 1; i <= 20*60*50; i++ {
				now := time.Duration(i) * every
				s.deliver(now)
				if offset := s.offset(now); offset < -2*timelineTolerance || offset > 2*timelineTolerance {
					t.Fatalf("after %v the recording is %d samples off the clock", now, offset)
				}
			}
			stats := s.recorder.Stats()
			if (name == "slow") != (stats.SilenceSamples > 0) || (name == "fast") != (stats.DroppedSamples > 0) {
				t.Errorf("%+v", stats)
			}
		})
	}
}

func TestTimelineStopsRunaway(t *testing.T) {
	s := newSimulation()
	end := 20 * time.Second
	for now := time.Millisecond; now <= end; now += time.Millisecond {
		s.deliver(now) // 20 times too fast
	}
	ahead := opus.Duration(int64(s.offset(end)))
	if ahead > 30*time.Second {
		t.Errorf("a device 20 times too fast ran %v ahead", ahead)
	}
}

func TestRecorderDropsWhatNobodyReads(t *testing.T) {
	s := newSimulation()
	for i := 1; i <= 750; i++ { // 15 s into a room for 10
		s.recorder.record(s.start.Add(time.Duration(i)*20*time.Millisecond), s.chunk)
	}
	s.read()
	if got := s.recorder.Stats().DroppedSamples; got != 5*48000 {
		t.Errorf("%d samples were dropped, want 5 s", got)
	}
	for i := 751; i <= 1000; i++ {
		s.deliver(time.Duration(i) * 20 * time.Millisecond)
	}
	if offset := s.offset(20 * time.Second); offset != 0 {
		t.Errorf("after the reader came back the recording is %d samples off the clock", offset)
	}
}

func TestRecorderBridgesAbsence(t *testing.T) {
	for name, delivered := range map[string]int{"before the first sound": 0, "after some sound": 200} {
		t.Run(name, func(t *testing.T) {
			s := newSimulation()
			for i := 1; i <= delivered; i++ {
				s.deliver(time.Duration(i) * 20 * time.Millisecond)
			}
			now := 30 * time.Second
			for at := 5 * time.Second; at <= now; at += 20 * time.Millisecond {
				s.recorder.fillGap(s.start.Add(at))
				s.read()
			}
			if offset := s.offset(now); offset != 0 {
				t.Errorf("the recording is %d samples off the clock", offset)
			}
		})
	}
}

func TestRecorderDoesNotAllocate(t *testing.T) {
	r, chunk, pcm := newRecorder(2), make([]byte, 4*period), make([]int16, 2*period)
	now := time.Now()
	if allocs := testing.AllocsPerRun(1000, func() {
		now = now.Add(20 * time.Millisecond)
		r.record(now, chunk)
		r.read(pcm)
	}); allocs != 0 {
		t.Errorf("recording allocates %v times", allocs)
	}
}

// TestSlowOpenIsNotSilence opens a device for 10 seconds, as Bluetooth does, and then
// hears nothing of it for 3.
func TestSlowOpenIsNotSilence(t *testing.T) {
	r, asked := newRecorder(1), time.Now()
	opened := asked.Add(10 * time.Second)
	r.start(opened)
	r.fillGap(opened.Add(3 * time.Second))
	if got := r.Stats().SilenceSamples; got != 3*opus.SampleRate {
		t.Errorf("%v of silence were recorded, want 3s", opus.Duration(got))
	}
}
