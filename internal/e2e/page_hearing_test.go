package e2e

import (
	"fmt"
	"math"
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
	frame   = opus.SampleRate / 20 // what is compared at a time: 50 ms
	same    = 0.98                 // likeness of a frame in two decoders' opinion
	alike   = 0.9                  // of one that begins or ends softly, or where a decoder has just begun
	near    = opus.SampleRate / 40 // how far a change of speed jumps at most: 25 ms
	silence = opus.SampleRate / 50 // that long it is a pause, and no sound
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

// recognise says of all that was heard where in what was sent it comes from.
func recognise(heard, sent []float32) (passages []passage) {
	r := recogniser{sent: sent, thinned: thin(sent)}
	for _, sound := range sounds(heard) {
		for at := sound.heard; at < sound.heard+sound.length; {
			n := frame
			if rest := sound.heard + sound.length - at; rest < 2*frame {
				n = rest
			}
			passages = add(passages, r.place(heard, at, n))
			at += n
		}
	}
	return passages
}

// sounds cuts what was heard where nothing was played at all.
func sounds(heard []float32) (found []passage) {
	begin, last := nowhere, nowhere
	for i, sample := range heard {
		if sample == 0 {
			continue
		}
		if begin != nowhere && i-last > silence {
			found = append(found, passage{heard: begin, length: last + 1 - begin})
			begin = nowhere
		}
		if begin == nowhere {
			begin = i
		}
		last = i
	}
	if begin != nowhere {
		found = append(found, passage{heard: begin, length: last + 1 - begin})
	}
	return found
}

// add joins a frame to the passage before it where there is no seam.
func add(passages []passage, p passage) []passage {
	if n := len(passages); n > 0 {
		before := &passages[n-1]
		gap := p.heard - before.heard - before.length
		seamless := gap == 0 && (p.sent == nowhere && before.sent == nowhere || p.sent != nowhere && p.sent == before.sent+before.length)
		if seamless {
			before.length += p.length
			before.likeness = min(before.likeness, p.likeness)
			return passages
		}
	}
	return append(passages, p)
}

// recogniser finds frames in what was sent: first where the last one leads, then
// nearby, then anywhere.
type recogniser struct {
	sent    []float32
	thinned []float32
	next    int // where the last frame leads
}

func (r *recogniser) place(heard []float32, at, n int) passage {
	sound := heard[at : at+n]
	p := passage{heard: at, length: n, sent: r.next, likeness: likeness(sound, r.sent, r.next)}
	if p.likeness < same {
		p.sent, p.likeness = r.best(sound, r.next-near, r.next+near)
	}
	if p.likeness < alike {
		coarse, _ := best(thin(sound), r.thinned, 0, len(r.thinned))
		if sent, likeness := r.best(sound, coarse*thinning-2*thinning, coarse*thinning+2*thinning); likeness > p.likeness {
			p.sent, p.likeness = sent, likeness
		}
	}
	r.next += n
	if p.likeness < alike {
		p.sent = nowhere
	} else {
		r.next = p.sent + n
	}
	return p
}

func (r *recogniser) best(sound []float32, from, to int) (int, float64) {
	return best(sound, r.sent, from, to)
}

// best returns the place in [from, to] that sounds most alike.
func best(sound, sent []float32, from, to int) (at int, alike float64) {
	at, alike = nowhere, -1
	for i := max(0, from); i <= min(to, len(sent)-len(sound)); i++ {
		if l := likeness(sound, sent, i); l > alike {
			at, alike = i, l
		}
	}
	return at, alike
}

// likeness is the normalised correlation of sound with what was sent at a place.
func likeness(sound, sent []float32, at int) float64 {
	if at < 0 || at+len(sound) > len(sent) {
		return -1
	}
	var product, a, b float64
	for i, x := range sound {
		y := sent[at+i]
		product += float64(x * y)
		a += float64(x * x)
		b += float64(y * y)
	}
	return product / math.Sqrt(a*b+1e-12)
}

// thinning makes the search anywhere quick: most of speech is below 3 kHz.
const thinning = 8

func thin(sound []float32) []float32 {
	thinned := make([]float32, len(sound)/thinning)
	for i := range thinned {
		for _, sample := range sound[i*thinning : (i+1)*thinning] {
			thinned[i] += sample
		}
	}
	return thinned
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

// mustBeSeamless checks that what was heard goes on where it stopped. Frames
// that fade from one place to one nearby are like neither.
func mustBeSeamless(t testing.TB, passages []passage, slack int) {
	t.Helper()
	next, fading := nowhere, 0
	for _, p := range passages {
		if p.sent == nowhere {
			fading += p.length
			continue
		}
		off := p.sent - next - fading
		if next != nowhere && (max(off, -off) > slack*(1+fading/frame) || slack == 0 && fading > 0) {
			t.Errorf("there is a seam of %v before %v; all that was heard:\n%s", duration(off), p, list(passages))
			return
		}
		next, fading = p.sent+p.length, 0
	}
}

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

// TestRecognise: the judge of the other tests hears what it should.
func TestRecognise(t *testing.T) {
	s := mustSpeak(t, 6)
	for _, p := range sounds(s.sound)[1:] {
		t.Errorf("the speech has silence in it, before %v", duration(p.heard))
	}
	pause := make([]float32, 4800)
	cut := s.sound[48000:96000]
	for _, test := range []struct {
		name  string
		heard []float32
		want  []passage
	}{
		{"all of it", s.sound, []passage{{0, 0, len(s.sound), 0}}},
		{"from the middle", slices.Concat(pause, cut), []passage{{4800, 48000, 48000, 0}}},
		{"a pause", slices.Concat(cut, pause, s.sound[96000:120000]), []passage{{0, 48000, 48000, 0}, {52800, 96000, 24000, 0}}},
		{"a hole", slices.Concat(cut, s.sound[98400:120000]), []passage{{0, 48000, 48000, 0}, {48000, 98400, 21600, 0}}},
		{"a repetition", slices.Concat(cut, s.sound[91200:120000]), []passage{{0, 48000, 48000, 0}, {48000, 91200, 28800, 0}}},
		{"a jump", slices.Concat(cut, s.sound[240000:]), []passage{{0, 48000, 48000, 0}, {48000, 240000, len(s.sound) - 240000, 0}}},
		{"backwards", reversed(cut[:9600]), []passage{{0, nowhere, 9600, 0}}},
	} {
		got := recognise(test.heard, s.sound)
		for i := range got {
			got[i].likeness = 0
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s:\n%swant\n%s", test.name, list(got), list(test.want))
		}
	}
}

func reversed(sound []float32) []float32 {
	sound = slices.Clone(sound)
	slices.Reverse(sound)
	return sound
}
