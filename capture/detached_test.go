package capture

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"broadcastbot/internal/testhelp"
)

// faulty is a source that panics when it is read.
type faulty struct{ Source }

func (faulty) ReadPacket(context.Context) ([]byte, error) { panic("a fault") }
func (faulty) Close() error                               { return nil }

// TestPanicEndsItsSource: a panic, when a source is opened or read in a goroutine, is an error for whoever
// reads it, and the log says where it was.
func TestPanicEndsItsSource(t *testing.T) {
	testhelp.CheckGoroutines(t)
	var log bytes.Buffer
	open := func(source Source) (Source, error) {
		log.Reset()
		return detach(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), 0, func(context.Context) (Source, error) {
			if source == nil {
				panic("a fault")
			}
			return source, nil
		})
	}
	check := func(err error) {
		t.Helper()
		if !errors.Is(err, errPanicked) || strings.Contains(err.Error(), "fault") {
			t.Errorf("error %v", err)
		}
		for _, part := range []string{"a fault", "detached_test.go"} {
			if !strings.Contains(log.String(), part) {
				t.Errorf("the log does not have %q: %s", part, log.String())
			}
		}
	}
	_, err := open(nil)
	check(err)
	source, err := open(faulty{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = source.ReadPacket(t.Context())
	check(err)
	source.Close()
}
