// Package testhelp has what tests of several packages need: to wait for what has no channel, to read a
// log that is being written, and to tell whether sound is the same.
package testhelp

import (
	"bytes"
	"math"
	"runtime"
	"sync"
	"testing"
	"time"
)

// Eventually waits until something holds that has no channel to wait on. The limit is for a test that
// would hang, not a measure: other programs may need the machine.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came that %s", what)
		}
	}
}

// CheckGoroutines fails the test when, at its end, goroutines are left that were not there now.
func CheckGoroutines(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(deadline); {
			time.Sleep(5 * time.Millisecond)
		}
		if n := runtime.NumGoroutine(); n > before {
			stacks := make([]byte, 1<<16)
			t.Errorf("%d goroutines before, %d after:\n%s", before, n, stacks[:runtime.Stack(stacks, true)])
		}
	})
}

// Buffer is a log that is read while it is written.
type Buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// Sweep is sample i, at 48 kHz, of a tone that rises from 300 Hz by 500 Hz each second: no two moments of
// it are alike.
func Sweep(i int) int16 {
	t := float64(i) / 48000
	return int16(10000 * math.Sin(2*math.Pi*(300*t+250*t*t)))
}

// Correlation returns how alike two equally long pieces of sound are: 1 means the same but for the
// level, 0 that they have nothing to do with each other, or that one is silent.
func Correlation(a, b []int16) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}
