package capture

import (
	"context"
	"fmt"
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
	ID      string // what the sound system calls it; it will do as NAME, too
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

// choose finds the device with a name or ID; if none has exactly this one, the only
// device whose name or ID contains it. Case does not matter.
func choose(devices []Device, name string) (Device, error) {
	wanted := strings.ToLower(name)
	var exact, partial []Device
	for _, d := range devices {
		label, id := strings.ToLower(d.Name), strings.ToLower(d.ID)
		if label == wanted || id == wanted {
			exact = append(exact, d)
		} else if strings.Contains(label, wanted) || strings.Contains(id, wanted) {
			partial = append(partial, d)
		}
	}
	found := exact
	if len(found) == 0 {
		found = partial
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Device{}, fmt.Errorf("there is no microphone %q, only %s", name, names(devices))
	}
	return Device{}, fmt.Errorf("%q can mean %s: name one of them in full", name, names(found))
}

// names lists devices in a sentence; those of the same name are told apart by their
// IDs.
func names(devices []Device) string {
	if len(devices) == 0 {
		return "none at all"
	}
	count := make(map[string]int)
	for _, d := range devices {
		count[d.Name]++
	}
	quoted := make([]string, len(devices))
	for i, d := range devices {
		quoted[i] = fmt.Sprintf("%q", d.Name)
		if count[d.Name] > 1 {
			quoted[i] = fmt.Sprintf("%q (%s)", d.Name, d.ID)
		}
	}
	return strings.Join(quoted, ", ")
}

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
