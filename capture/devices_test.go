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
		{"usb microphone", `no microphone "usb microphone"`},
		{"USB Micro", `no microphone "USB Micro"`},
		{"Speakers", `no microphone "Speakers"`},
		{"speakers.monitor", "speakers.monitor"},
		{"cam.2", "cam.2"},
		{"Webcam", `2 microphones are called "Webcam"`},
		{"", `no microphone ""`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := choose(devices, test.name)
			if err == nil && got.ID != test.want || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, %v; want %q", got.ID, err, test.want)
			}
		})
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
