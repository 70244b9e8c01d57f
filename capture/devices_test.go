package capture

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestChoose(t *testing.T) {
	devices := []Device{
		{Name: "USB Microphone", ID: "alsa_input.usb-1"},
		{Name: "USB Microphone Pro", ID: "alsa_input.usb-2"},
		{Name: "Monitor of Speakers", ID: "speakers.monitor"},
		{Name: "Webcam", ID: "cam.1"},
		{Name: "Webcam", ID: "cam.2"},
	}
	for _, test := range []struct {
		name string
		want string // an ID or a piece of the error
	}{
		{"USB Microphone", "alsa_input.usb-1"},
		{"usb microphone", "alsa_input.usb-1"},
		{"pro", "alsa_input.usb-2"},
		{"speakers.MONITOR", "speakers.monitor"},
		{"cam.2", "cam.2"},
		{"usb", `"USB Microphone", "USB Microphone Pro"`},
		{"webcam", `"Webcam" (cam.1), "Webcam" (cam.2)`},
		{"nothing", `no microphone "nothing", only "USB Microphone", "USB Microphone Pro", "Monitor of Speakers", "Webcam" (cam.1), "Webcam" (cam.2)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := choose(devices, test.name)
			if err == nil && got.ID != test.want || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, %v; want %q", got.ID, err, test.want)
			}
		})
	}
	if _, err := choose(nil, "any"); err == nil || !strings.Contains(err.Error(), "none at all") {
		t.Errorf("without devices: %v", err)
	}
}

func TestBounded(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	hang, discarded := make(chan int), make(chan int)
	_, err := bounded(ctx, func() (int, error) { return <-hang, nil }, func(value int) { discarded <- value })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a call that hangs: %v", err)
	}
	hang <- 5
	if got := <-discarded; got != 5 {
		t.Errorf("what came late was %d", got)
	}
}
