package pulsetest

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const (
	sampleRate  = 48000
	chunkFrames = sampleRate / 100
)

// Microphone is a mono 48 kHz source of the server. As long as nothing plays it
// delivers nothing, not even silence.
type Microphone struct {
	server *Server
	module string // number of the server's module that it is
	fifo   *os.File
}

// Microphone adds a microphone to the server. Its ID is name, its description, which is
// what people see, is label; the first is the default.
func (s *Server) Microphone(t testing.TB, name, label string) *Microphone {
	t.Helper()
	path := filepath.Join(s.dir, name+".fifo")
	module, err := s.pactl("load-module", "module-pipe-source", "source_name="+name, "file="+path,
		"format=s16le", "rate=48000", "channels=1",
		"source_properties=device.description="+label)
	if err != nil {
		t.Fatal(err)
	}
	fifo, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatalf("open virtual microphone: %v", err)
	}
	t.Cleanup(func() { fifo.Close() })
	return &Microphone{server: s, module: module, fifo: fifo}
}

// Unplug takes the microphone off the server.
func (m *Microphone) Unplug(t testing.TB) {
	t.Helper()
	if _, err := m.server.pactl("unload-module", m.module); err != nil {
		t.Fatal(err)
	}
}

// Play speaks the samples at the pace of real time and returns at their end, or when
// ctx ends. sample gives the i-th sample of the sound.
func (m *Microphone) Play(ctx context.Context, n int, sample func(i int) int16) error {
	defer context.AfterFunc(ctx, func() { m.fifo.SetWriteDeadline(time.Now()) })() // a frozen server reads nothing
	start := time.Now()
	chunk := make([]byte, 0, 2*chunkFrames)
	for i := 0; i < n; i += chunkFrames {
		chunk = chunk[:0]
		for j := i; j < min(i+chunkFrames, n); j++ {
			chunk = binary.LittleEndian.AppendUint16(chunk, uint16(sample(j)))
		}
		if _, err := m.fifo.Write(chunk); err != nil {
			return err
		}
		timer := time.NewTimer(time.Until(start.Add(time.Duration(i+chunkFrames) * time.Second / sampleRate)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
	return nil
}
