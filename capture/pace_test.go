package capture

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// fakeSource yields n packets of 20 ms without sound, numbered in their bytes.
type fakeSource struct {
	n, read int
	closed  bool
}

func (s *fakeSource) Format() Format { return Format{Channels: 1, PreSkip: 312} }
func (s *fakeSource) EndTrim() int   { return 7 }
func (s *fakeSource) Close() error   { s.closed = true; return nil }

func (s *fakeSource) ReadPacket(ctx context.Context) ([]byte, error) {
	if s.read == s.n {
		return nil, io.EOF
	}
	s.read++
	return numberedPacket(s.read - 1), nil
}

func numberedPacket(i int) []byte { return []byte{15 << 3, byte(i), byte(i >> 8), byte(i >> 16)} }

func TestPaceDoesNotDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 60 * 60 * 50
		p := mustPace(t, n, false)
		start := time.Now()
		for i := range n {
			if i%777 == 0 {
				time.Sleep(3 * time.Millisecond) // a reader that takes its time
			}
			mustReadNumber(t, p, i)
			if late := time.Since(start) - time.Duration(i)*20*time.Millisecond; late < -burst || late > 3*time.Millisecond {
				t.Fatalf("packet %d came %v late", i, late)
			}
		}
		if _, err := p.ReadPacket(t.Context()); !errors.Is(err, io.EOF) || p.EndTrim() != 7 {
			t.Errorf("at the end: %v, end trim %d", err, p.EndTrim())
		}
	})
}

func TestPaceCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := mustPace(t, 1000, false)
		start := time.Now()
		mustReadNumber(t, p, 0)
		time.Sleep(5 * time.Second)
		for i := 1; i <= 254; i++ { // 250 that were missed, and a burst
			mustReadNumber(t, p, i)
		}
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("the packets that were missed came after %v", took)
		}
		mustReadNumber(t, p, 255)
		if took := time.Since(start); took != 255*20*time.Millisecond {
			t.Errorf("the next packet came after %v", took)
		}
	})
}

func TestPaceKeepsPacketOfCancelledRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := mustPace(t, 10, false)
		for i := range 5 { // a burst
			mustReadNumber(t, p, i)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := p.ReadPacket(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("a read that was cancelled says %v", err)
		}
		mustReadNumber(t, p, 5)
	})
}

func TestPaceFullSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := mustPace(t, 1000, true)
		start := time.Now()
		for i := range 1000 {
			mustReadNumber(t, p, i)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("it waited for %v", took)
		}
	})
}

func TestPaceRefusesSilence(t *testing.T) {
	source := &fakeSource{}
	if _, err := newPaced(t.Context(), source, true); !errors.Is(err, errNoSound) || !source.closed {
		t.Errorf("a source without packets: %v, closed %v", err, source.closed)
	}
}

func mustPace(t *testing.T, n int, fullSpeed bool) Source {
	t.Helper()
	p, err := newPaced(t.Context(), &fakeSource{n: n}, fullSpeed)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustReadNumber(t *testing.T, s Source, i int) {
	t.Helper()
	packet, err := s.ReadPacket(t.Context())
	if err != nil || !bytes.Equal(packet, numberedPacket(i)) {
		t.Fatalf("packet %d is %x, %v", i, packet, err)
	}
}
