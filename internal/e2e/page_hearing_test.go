package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"broadcastbot/internal/opus"
)

// passage is sound that was heard without a seam. All of it are samples.
type passage struct {
	heard    int     // where in what was heard
	sent     int     // and where in what was sent; nowhere if it was not
	length   int     //
	likeness float64 // the least of its frames, 1 is the same
}

const (
	nowhere = -1
	frame   = opus.SampleRate / 20  // what is compared at a time: 50 ms
	same    = 0.98                  // likeness of a frame in two decoders' opinion
	alike   = 0.9                   // of one that begins or ends softly, or where a decoder has just begun
	near    = opus.SampleRate / 40  // how far a change of speed jumps at most: 25 ms
	block   = opus.SampleRate / 400 // the least that says whether two sounds differ
	silence = opus.SampleRate / 50  // that long it is a pause, and no sound
)

func (p passage) String() string {
	if p.sent == nowhere {
		return fmt.Sprintf("%v of something else (%.2f) at %v", duration(p.length), p.likeness, duration(p.heard))
	}
	return fmt.Sprintf("%v from %v (%.3f) at %v", duration(p.length), duration(p.sent), p.likeness, duration(p.heard))
}

func duration(samples int) time.Duration {
	return opus.Duration(int64(samples)).Round(100 * time.Microsecond)
}

// expected is what a test has to hear: each moment from one to another, once.
type expected struct {
	from, to time.Duration
	slack    int // samples that may be left out or repeated at a time, for another speed
}

// mustHear checks that what was heard is what was expected, and nothing else.
func mustHear(t testing.TB, passages []passage, want expected) {
	t.Helper()
	if len(passages) == 0 {
		t.Fatal("nothing was heard")
	}
	const edge = opus.SampleRate / 100 // of a fade, which is not recognised
	first, last := passages[0], passages[len(passages)-1]
	if off := first.sent - samples(want.from); first.sent == nowhere || max(off, -off) > edge {
		t.Errorf("what was heard begins with %v, not at %v", first, want.from)
	}
	if off := last.sent + last.length - samples(want.to); last.sent == nowhere || max(off, -off) > edge {
		t.Errorf("what was heard ends with %v, not at %v", last, want.to)
	}
	mustBeSeamless(t, passages, want.slack)
}

// mustBeSeamless checks that what was heard goes on where it stopped.
func mustBeSeamless(t testing.TB, passages []passage, slack int) {
	t.Helper()
	if err := findSeam(passages, slack); err != nil {
		t.Errorf("%v; all that was heard:\n%s", err, list(passages))
	}
}

// findSeam returns the first place where what was heard does not go on where it stopped. Where a sound
// begins or ends, it may do so too softly to be recognised; and where the speed changes, a fade may
// pass that nothing explains, as when the decoder has just begun.
func findSeam(passages []passage, slack int) error {
	next, unknown := nowhere, 0
	for i, p := range passages {
		isFade := slack > 0 && p.length <= step
		if p.sent == nowhere && isInside(passages, i) && !isFade {
			return fmt.Errorf("there is something else: %s", p)
		}
		if p.sent == nowhere {
			unknown += p.length
			continue
		}
		off := p.sent - next - unknown
		if next != nowhere && (max(off, -off) > slack || slack == 0 && unknown > 0) {
			return fmt.Errorf("there is a seam of %v before %v", duration(off), p)
		}
		next, unknown = p.sent+p.length, 0
	}
	return nil
}

// TestFindSeam: what the judge lets pass, and what not.
func TestFindSeam(t *testing.T) {
	const ms = opus.SampleRate / 1000
	around := func(p passage, place int) []passage {
		return []passage{{0, 0, 300 * ms, 1}, p, {300*ms + p.length, place, 300 * ms, 1}}
	}
	for _, test := range []struct {
		name     string
		passages []passage
		slack    int
		seam     bool
	}{
		{"a fade", around(passage{300 * ms, nowhere, 10 * ms, 0.92}, 327*ms), atSpeed, false},
		{"one at the show's own speed", around(passage{300 * ms, nowhere, 10 * ms, 0.92}, 310*ms), 0, true},
		{"one that is too long", around(passage{300 * ms, nowhere, 20 * ms, 0.92}, 327*ms), atSpeed, true},
		{"one that leads too far", around(passage{300 * ms, nowhere, 10 * ms, 0.92}, 347*ms), atSpeed, true},
	} {
		if err := findSeam(test.passages, test.slack); (err != nil) != test.seam {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// isInside reports whether there is sound right before and right behind a passage.
func isInside(passages []passage, i int) bool {
	return i > 0 && i+1 < len(passages) && adjoin(passages[i-1], passages[i]) && adjoin(passages[i], passages[i+1])
}

func adjoin(a, b passage) bool { return a.heard+a.length == b.heard }

// mustLast checks how much of the show was heard.
func mustLast(t testing.TB, passages []passage, least time.Duration) {
	t.Helper()
	heard := known(passages)
	if n := len(heard); n == 0 || heard[n-1].sent+heard[n-1].length-heard[0].sent < samples(least) {
		t.Errorf("less than %v was heard:\n%s", least, list(passages))
	}
}

// mustReachEnd checks that the show was heard to its end.
func mustReachEnd(t testing.TB, passages []passage, s speech) {
	t.Helper()
	if n := len(passages); n == 0 || len(s.sound)-passages[n-1].sent-passages[n-1].length > opus.SampleRate/100 {
		t.Errorf("the end of the show was not heard:\n%s", list(passages))
	}
}

func list(passages []passage) string {
	var b strings.Builder
	for _, p := range passages {
		fmt.Fprintln(&b, p)
	}
	return b.String()
}

func samples(moment time.Duration) int { return int(opus.Samples(moment)) }

// known leaves out what was not recognised.
func known(passages []passage) []passage {
	return slices.DeleteFunc(slices.Clone(passages), func(p passage) bool { return p.sent == nowhere })
}
