package uploader

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"broadcastbot/internal/retry"
)

// TestDestinations holds every destination to what [Destination] promises.
func TestDestinations(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		testDestination(t, func(*testing.T) Destination { return new(memory) })
	})
	t.Run("gateway", func(t *testing.T) {
		_, tus := mustGateway(t)
		testDestination(t, func(t *testing.T) Destination {
			upload, err := tus.Create(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return upload
		})
	})
}

// testDestination runs the cases that every destination must pass. The function makes a new, empty
// one.
func testDestination(t *testing.T, create func(*testing.T) Destination) {
	for name, test := range map[string]func(*testing.T, Destination){
		"grows at its end":              testGrows,
		"takes bytes as they come":      testTakesAtOnce,
		"refuses another offset":        testWrongOffset,
		"goes on after a broken line":   testBrokenLine,
		"stops when its context ends":   testContextEnds,
		"is not finished before it is":  testWrongSize,
		"may be finished with no bytes": testFinishEmpty,
	} {
		t.Run(name, func(t *testing.T) { test(t, create(t)) })
	}
}

func mustAppend(t *testing.T, d Destination, offset int64, text string) {
	t.Helper()
	if err := d.Append(t.Context(), offset, strings.NewReader(text)); err != nil {
		t.Fatalf("Append at %d: %v", offset, err)
	}
}

func mustStandAt(t *testing.T, d Destination, want int64) {
	t.Helper()
	if offset, err := d.Offset(t.Context()); offset != want || err != nil {
		t.Errorf("Offset = %d, %v, want %d", offset, err, want)
	}
}

// mustFinish finishes a destination twice, as after an answer that was lost.
func mustFinish(t *testing.T, d Destination, size int64) {
	t.Helper()
	for range 2 {
		if err := d.Finish(t.Context(), size); err != nil {
			t.Fatalf("Finish at %d: %v", size, err)
		}
	}
	mustStandAt(t, d, size)
}

func testGrows(t *testing.T, d Destination) {
	mustStandAt(t, d, 0)
	mustAppend(t, d, 0, "hello")
	mustStandAt(t, d, 5)
	mustAppend(t, d, 5, "")
	mustStandAt(t, d, 5)
	mustAppend(t, d, 5, " world")
	mustFinish(t, d, 11)
}

func testTakesAtOnce(t *testing.T, d Destination) {
	r, w := io.Pipe()
	done := make(chan error)
	go func() { done <- d.Append(t.Context(), 0, r) }()
	for size := int64(0); size < 20; {
		io.WriteString(w, "hello")
		size += 5
		eventuallyAt(t, d, size)
	}
	w.Close()
	if err := <-done; err != nil {
		t.Errorf("Append = %v", err)
	}
	mustFinish(t, d, 20)
}

// eventuallyAt waits until a destination has so many bytes. No event tells that.
func eventuallyAt(t *testing.T, d Destination, want int64) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		offset, err := d.Offset(t.Context())
		if err != nil || offset > want || time.Now().After(deadline) {
			t.Fatalf("Offset = %d, %v, want %d", offset, err, want)
		}
		if offset == want {
			return
		}
	}
}

func testWrongOffset(t *testing.T, d Destination) {
	mustAppend(t, d, 0, "hello")
	for _, offset := range []int64{0, 4, 6} {
		if err := d.Append(t.Context(), offset, strings.NewReader("x")); err == nil || retry.IsPermanent(err) {
			t.Errorf("Append at %d = %v, want an error that asking for the offset mends", offset, err)
		}
	}
	mustFinish(t, d, 5)
}

func testBrokenLine(t *testing.T, d Destination) {
	body := io.MultiReader(strings.NewReader("hello"), iotest.ErrReader(errBroken))
	if err := d.Append(t.Context(), 0, body); err == nil || retry.IsPermanent(err) {
		t.Errorf("Append = %v, want an error after which one goes on", err)
	}
	for deadline := time.Now().Add(time.Minute); ; { // what was sent may still be arriving, so the offset may change
		offset, err := d.Offset(t.Context())
		if err != nil || offset > 5 || time.Now().After(deadline) {
			t.Fatalf("Offset = %d, %v", offset, err)
		}
		if d.Append(t.Context(), offset, strings.NewReader("hello world"[offset:])) == nil {
			break
		}
	}
	mustFinish(t, d, 11)
}

func testContextEnds(t *testing.T, d Destination) {
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- d.Append(ctx, 0, r) }()
	io.WriteString(w, "hello")
	eventuallyAt(t, d, 5)
	cancel()
	w.CloseWithError(context.Canceled) // whoever reads a spool is told by the same context
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Append = %v", err)
	}
	mustFinish(t, d, 5)
}

func testWrongSize(t *testing.T, d Destination) {
	mustAppend(t, d, 0, "hello")
	if err := d.Finish(t.Context(), 6); err == nil || retry.IsPermanent(err) {
		t.Errorf("Finish with a byte too many = %v", err)
	}
	mustAppend(t, d, 5, " world")
	mustFinish(t, d, 11)
}

func testFinishEmpty(t *testing.T, d Destination) { mustFinish(t, d, 0) }
