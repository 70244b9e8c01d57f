package capture

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// ErrDeviceGone says that a microphone stopped delivering sound and did not come back
// in Options.DeviceTimeout.
var ErrDeviceGone = errors.New("the microphone is gone")

const devicesHint = "; the names are listed by: broadcastbot devices"

// device is a pcmReader of a microphone. A microphone that falls silent is opened
// again; until it is back, silence is recorded, so that the show goes on.
type device struct {
	name     string // as people call it
	wanted   string // the name or ID to open: what was opened first stays the device of the source
	channels int
	timeout  time.Duration // see Options.DeviceTimeout
	log      *slog.Logger
	recorder *recorder

	microphone *microphone      // nil while it is being opened again
	openedAt   time.Time        // when it was opened last
	lostAt     time.Time        // when the watchdog noticed that it is silent; zero while it is not
	reopened   chan *microphone // nil unless reopen runs, which sends the microphone and closes the channel at its end
	ctx        context.Context  // the life of the source
	cancel     context.CancelFunc
	gone       error // sticky
}

// openDevice opens a device if a station with these limits may: a show that goes on after a restart
// names one that an older config allowed.
func (l Limits) openDevice(ctx context.Context, name string, o Options) (Source, error) {
	if name != "" && !slices.Contains(l.devices(), name) {
		return nil, l.refuseDevice(name)
	}
	return openDevice(ctx, name, o)
}

// openDevice opens the device with exactly this name or ID, or the system's default.
func openDevice(ctx context.Context, name string, o Options) (Source, error) {
	if name == "" {
		return nil, errors.New("which microphone? Use device:default or device:NAME" + devicesHint)
	}
	d := &device{
		name:     name,
		wanted:   name,
		channels: o.Encoder.Channels,
		timeout:  o.DeviceTimeout,
		log:      o.Log,
		recorder: newRecorder(o.Encoder.Channels),
	}
	opening, cancel := context.WithTimeout(ctx, soundSystemTimeout)
	defer cancel()
	microphone, err := bounded(opening, d.open, (*microphone).close)
	if err != nil {
		return nil, fmt.Errorf("open microphone %q: %w%s", name, err, devicesHint)
	}
	d.microphone, d.openedAt = microphone, time.Now()
	if name == defaultDevice && microphone.chosen.ID != "" {
		d.wanted = microphone.chosen.ID
	}
	d.recorder.start(d.openedAt)
	d.ctx, d.cancel = context.WithCancel(ctx)
	return newEncoded(d, o.Encoder)
}

func (d *device) open() (*microphone, error) {
	return openMicrophone(d.wanted, d.channels, func(samples []byte) { d.recorder.record(time.Now(), samples) })
}

func (d *device) ReadPCM(ctx context.Context, pcm []int16) (int, error) {
	n := 0
	for {
		n += d.recorder.read(pcm[n:])
		if n == len(pcm) {
			return n, nil
		}
		if d.gone != nil {
			return n, d.gone
		}
		if err := d.wait(ctx); err != nil {
			return n, err
		}
	}
}

// wait returns when there may be more sound, after looking after a device that is
// silent.
func (d *device) wait(ctx context.Context) error {
	timer := time.NewTimer(deviceTick)
	defer timer.Stop()
	select {
	case <-d.recorder.wake:
		d.lostAt = time.Time{}
	case opened, ok := <-d.reopened:
		if ok {
			d.resume(opened)
		}
	case <-timer.C:
		d.watch(time.Now())
	case <-ctx.Done():
		return ctx.Err()
	case <-d.ctx.Done():
		return d.ctx.Err()
	}
	return nil
}

func (d *device) Stats() Stats { return d.recorder.Stats() }

// Close stops the recording. It waits at most closeTimeout for a sound system that
// hangs.
func (d *device) Close() error {
	d.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_, err := bounded(ctx, func() (struct{}, error) {
		microphone := d.microphone
		if d.reopened != nil {
			microphone = <-d.reopened
		}
		if microphone != nil {
			microphone.close()
		}
		return struct{}{}, nil
	}, func(struct{}) {})
	return err
}
