package capture

import (
	"fmt"
	"time"
)

const (
	// silentFor is how long a device may deliver nothing before it is opened again. The
	// sound system does not say that a device was pulled out: it just calls no more.
	// Healthy ones may take 2 seconds for the first sound.
	silentFor = 3 * time.Second
	// deviceTick is how often a silent device is looked at, and how much silence is
	// recorded at a time until it is back.
	deviceTick = 20 * time.Millisecond
	// reopenPause lies between two attempts to open a lost device.
	reopenPause = time.Second
)

// watch is the watchdog: it records silence for a lost device, tries to get it back,
// and in the end gives it up.
func (d *device) watch(now time.Time) {
	silence := now.Sub(d.recorder.lastHeard())
	if silence < silentFor {
		return
	}
	if d.lostAt.IsZero() {
		d.lostAt = now
	}
	d.recorder.fillGap(now)
	if now.Sub(d.lostAt) >= d.timeout {
		d.gone = fmt.Errorf("microphone %q: %w: it delivered nothing for %v%s",
			d.name, ErrDeviceGone, silence.Round(time.Second), devicesHint)
		d.cancel()
		return
	}
	if d.reopened == nil && now.Sub(d.openedAt) >= silentFor {
		d.log.Warn("microphone is silent: opening it again", "device", d.name, "silence", silence)
		d.reopened = make(chan *microphone)
		go d.reopen(d.microphone, d.reopened)
		d.microphone = nil
	}
}

// resume goes on with the microphone that reopen has opened. That it could be opened does
// not mean that it delivers: the watchdog goes on, too.
func (d *device) resume(opened *microphone) {
	d.log.Info("microphone opened again", "device", d.name)
	d.microphone, d.openedAt, d.reopened = opened, time.Now(), nil
	d.recorder.reopened()
}

// reopen closes the lost microphone and tries to open it again until it can or the
// source ends.
func (d *device) reopen(lost *microphone, reopened chan<- *microphone) {
	defer close(reopened)
	lost.close()
	for d.ctx.Err() == nil {
		opened, err := d.open()
		if err == nil {
			d.deliver(opened, reopened)
			return
		}
		select {
		case <-time.After(reopenPause):
		case <-d.ctx.Done():
		}
	}
}

func (d *device) deliver(opened *microphone, reopened chan<- *microphone) {
	select {
	case reopened <- opened:
	case <-d.ctx.Done():
		opened.close()
	}
}
