package text

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestLine(t *testing.T) {
	for s, want := range map[string]string{
		"": "", " \n ": "", "Town hall": "Town hall", "  Town\thall\nof  today ": "Town hall of today",
		"To\u202ewn\x00 hall": "Town hall", "a\u200bb": "ab", "ä 🎙️ ñ": "ä 🎙️ ñ",
	} {
		if got := Line(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func TestHeadline(t *testing.T) {
	for err, want := range map[error]string{
		errors.New(`unknown source "x": use tone:440`):                           `unknown source "x": use tone:440`,
		fmt.Errorf("the source cannot be opened: %w", errors.New("it is busy.")): "the source cannot be opened: it is busy",
		fmt.Errorf("stopped (%w) in the middle", errors.New("no\nroute")):        "stopped (no route) in the middle",
		errors.New(strings.Repeat("ä", 300)):                                     strings.Repeat("ä", 300),
		errors.New(strings.Repeat("ä", 301)):                                     strings.Repeat("ä", 299) + "…",
	} {
		if got := Headline(err, 300); got != want {
			t.Errorf("headline of %q: %q, want %q", err, got, want)
		}
	}
}

func TestClock(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0:00", 999 * time.Millisecond: "0:01", 61 * time.Second: "1:01",
		3599 * time.Second: "59:59", 3600 * time.Second: "1:00:00", 36061 * time.Second: "10:01:01",
	} {
		if got := Clock(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
