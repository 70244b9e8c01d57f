package capture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gen2brain/malgo"
)

// soundSystemTimeout is how long the sound system may take to answer. A PulseAudio
// server that hangs never does.
const soundSystemTimeout = 10 * time.Second

// Device is a microphone or another input of the sound system.
type Device struct {
	Name    string // what people call it, as in device:NAME
	ID      string // what the sound system calls it; it will do as NAME, too, and is unique
	Default bool

	handle malgo.DeviceID
}

// Devices lists the inputs that "device:NAME" can open.
func Devices() ([]Device, error) {
	ctx, cancel := context.WithTimeout(context.Background(), soundSystemTimeout)
	defer cancel()
	devices, err := bounded(ctx, listDevices, func([]Device) {})
	if err != nil {
		return nil, fmt.Errorf("list microphones: %w", err)
	}
	return devices, nil
}

// HasMicrophone reports whether "device:default" is a microphone.
func HasMicrophone() bool {
	devices, err := Devices()
	isDefault := func(d Device) bool { return d.Default && !isMonitor(d) }
	return err == nil && slices.ContainsFunc(devices, isDefault)
}

// choose finds the only device with exactly this name or ID. One that is called almost so can be
// another one, in another place, whom nobody asked to be heard. The error does not tell which
// devices there are: a room may read it.
func choose(devices []Device, name string) (Device, error) {
	others := func(d Device) bool { return d.Name != name && d.ID != name }
	found := slices.DeleteFunc(slices.Clone(devices), others)
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Device{}, fmt.Errorf("there is no microphone %q", name)
	}
	return Device{}, fmt.Errorf("%d microphones are called %q: use the ID of one of them", len(found), name)
}

// chooseDefault finds the device that the sound system takes by default. It returns none where that
// is nothing but another name for the system's choice.
//
// A machine that has lost its microphone makes the monitor of a loudspeaker its default input: what
// the machine plays would go on air.
func chooseDefault(devices []Device) (Device, error) {
	i := slices.IndexFunc(devices, func(d Device) bool { return d.Default })
	if i < 0 || devices[i].ID == defaultDevice {
		return Device{}, nil
	}
	if isMonitor(devices[i]) {
		return Device{}, errors.New("the system's default input is no microphone, but records what a loudspeaker plays: " +
			"if that is meant, name it in full")
	}
	return devices[i], nil
}

// isMonitor reports whether a device of PulseAudio or PipeWire records what a loudspeaker plays.
func isMonitor(d Device) bool { return strings.HasSuffix(d.ID, ".monitor") }

// bounded runs f and returns what it returns, or an error when ctx ends first. Calls
// into a sound system that hangs cannot be interrupted: then the goroutine stays until
// f returns, and discard gets what it brings.
func bounded[T any](ctx context.Context, f func() (T, error), discard func(T)) (T, error) {
	type result struct {
		value T
		err   error
	}
	results := make(chan result)
	go func() {
		value, err := f()
		select {
		case results <- result{value, err}:
		case <-ctx.Done():
			if err == nil {
				discard(value)
			}
		}
	}()
	select {
	case r := <-results:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("the sound system does not answer: %w", ctx.Err())
	}
}
