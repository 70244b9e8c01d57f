package listener

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/gen2brain/malgo"

	"broadcastbot/internal/opus"
)

// How much decoded sound is queued in a player.
const (
	playAhead = 300 * time.Millisecond // it starts then, so that blocks may be late by that much
	playRoom  = time.Second            // it makes its writer wait then
)

// Player plays decoded sound on the system's loudspeaker.
type Player struct {
	context *malgo.AllocatedContext
	device  *malgo.Device

	mu       sync.Mutex
	samples  []int16 // interleaved, waiting
	started  bool    // playAhead was reached; silence until then
	channels int
	room     chan struct{} // wakes a writer that waits
}

// NewPlayer opens the loudspeaker. Its error says that there is none.
func NewPlayer(channels int) (*Player, error) {
	p := &Player{channels: channels, room: make(chan struct{}, 1)}
	var err error
	if p.context, err = malgo.InitContext(backends(), malgo.ContextConfig{}, nil); err != nil {
		return nil, fmt.Errorf("open the loudspeaker: %w", err)
	}
	config := malgo.DefaultDeviceConfig(malgo.Playback)
	config.Playback.Format = malgo.FormatS16
	config.Playback.Channels = uint32(channels)
	config.SampleRate = opus.SampleRate
	config.PeriodSizeInMilliseconds = 20
	p.device, err = malgo.InitDevice(p.context.Context, config, malgo.DeviceCallbacks{Data: p.fill})
	if err == nil {
		err = p.device.Start()
	}
	if err != nil {
		p.release()
		return nil, fmt.Errorf("open the loudspeaker: %w", err)
	}
	return p, nil
}

// backends returns the sound systems to try; nil means all. Without it miniaudio
// tries, and complains about, some that hardly anybody has any more.
func backends() []malgo.Backend {
	if runtime.GOOS == "linux" {
		return []malgo.Backend{malgo.BackendPulseaudio, malgo.BackendAlsa}
	}
	return nil
}

// fill is called by the sound system for its next samples.
func (p *Player) fill(out, _ []byte, frames uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var n int
	if p.started {
		n = min(len(p.samples), int(frames)*p.channels)
	}
	for i, sample := range p.samples[:n] {
		binary.NativeEndian.PutUint16(out[2*i:], uint16(sample))
	}
	clear(out[2*n:])
	p.samples = p.samples[:copy(p.samples, p.samples[n:])]
	if len(p.samples) == 0 {
		p.started = false // wait for playAhead again: one pause is better than many
	}
	select {
	case p.room <- struct{}{}:
	default:
	}
}

// Write queues interleaved samples at 48 kHz. It waits while there is more than
// a second of sound in the queue.
func (p *Player) Write(ctx context.Context, pcm []int16) error {
	for p.Queued() > playRoom {
		select {
		case <-p.room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.samples = append(p.samples, pcm...)
	p.started = p.started || p.queued() >= playAhead
	return nil
}

// Queued returns how much sound waits to be heard.
func (p *Player) Queued() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.queued()
}

func (p *Player) queued() time.Duration {
	return time.Duration(len(p.samples)/p.channels) * time.Second / opus.SampleRate
}

// Drain waits until all that was written has been handed to the loudspeaker.
func (p *Player) Drain(ctx context.Context) {
	p.mu.Lock()
	p.started = true
	p.mu.Unlock()
	for p.Queued() > 0 {
		select {
		case <-p.room:
		case <-ctx.Done():
			return
		}
	}
}

// Close stops playing at once.
func (p *Player) Close() error {
	p.device.Stop() // without it Uninit hangs on a server that went away
	p.release()
	return nil
}

func (p *Player) release() {
	if p.device != nil {
		p.device.Uninit()
	}
	p.context.Uninit()
	p.context.Free()
}
