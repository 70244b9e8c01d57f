package e2e

import (
	"math"
	"slices"
	"testing"
)

// recognise says of all that was heard where in what was sent it comes from.
func recognise(heard, sent []float32) (passages []passage) {
	r := recogniser{sent: sent, thinned: thin(sent)}
	for _, sound := range sounds(heard) {
		begin, end := sound.heard, sound.heard+sound.length
		r.steps = false
		for at := begin; at < end; {
			found := r.place(heard[:end], at, at == begin)
			for _, p := range found {
				passages = add(passages, p)
				at += p.length
			}
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
	next    int  // where the last frame leads
	steps   bool // the page changes its speed: a step begins with the next sample
}

// place says where the next frame is from; where the page changes its speed, a
// step of its own.
func (r *recogniser) place(heard []float32, at int, first bool) []passage {
	if r.steps {
		if found := r.step(heard, at); found != nil {
			return found
		}
		r.steps = false
	}
	n := frame
	if rest := len(heard) - at; rest < 2*frame {
		n = rest
	}
	sound := heard[at : at+n]
	p := passage{heard: at, length: n, sent: r.next, likeness: likeness(sound, r.sent, r.next)}
	if p.likeness < same && !first {
		if found := r.firstFade(heard, at); found != nil {
			r.steps = true
			return found
		}
	}
	if p.likeness < same {
		p.sent, p.likeness = r.best(sound, r.next-near, r.next+near)
	}
	if p.likeness < alike {
		enough := same // elsewhere: two vowels of one voice are alike
		if last := at+n == len(heard); first || last {
			enough = alike
		}
		if sent, likeness := r.anywhere(sound); likeness >= enough {
			p.sent, p.likeness = sent, likeness
		}
	}
	expected := r.next
	r.next += n
	if p.likeness < alike {
		p.sent = nowhere
		return []passage{p}
	}
	r.next = p.sent + n
	if p.likeness < same && p.sent != expected {
		return r.split(sound, p)
	}
	return []passage{p}
}

// split cuts off what a frame of a new place has of an old one, if that is more
// than a soft beginning: a frame is still alike if its larger or louder part is.
func (r *recogniser) split(sound []float32, p passage) []passage {
	differs := func(i int) bool { return likeness(sound[i:i+block], r.sent, p.sent+i) < same }
	old := 0
	for old+2*block <= len(sound) && (differs(old) || differs(old+block)) {
		old += block
	}
	if old <= 2*block || old+2*block > len(sound) {
		return []passage{p}
	}
	return []passage{
		{heard: p.heard, length: old, sent: nowhere, likeness: p.likeness},
		{heard: p.heard + old, length: p.length - old, sent: p.sent + old, likeness: likeness(sound[old:], r.sent, p.sent+old)},
	}
}

func (r *recogniser) anywhere(sound []float32) (int, float64) {
	coarse, _ := best(thin(sound), r.thinned, 0, len(r.thinned))
	return r.best(sound, coarse*thinning-2*thinning, coarse*thinning+2*thinning)
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
		{"the end of the old and the new", slices.Concat(softly(s.sound[4800:6240]), s.sound[72000:96000]), []passage{{0, nowhere, 1440, 0}, {1440, 72000, 24000, 0}}},
		{"backwards", reversed(cut[:9600]), []passage{{0, nowhere, 9600, 0}}},
		{"a change of speed", fade{24000, 48000, 48520}.mixed(s.sound, 0, 96000), []passage{{0, 48000, 24360, 0}, {24360, 72880, 71640, 0}}},
		{"two", slices.Concat(fade{24000, 48000, 48520}.mixed(s.sound, 0, 24720), fade{24720, 48520, 47900}.mixed(s.sound, 24720, 96000)), []passage{{0, 48000, 24360, 0}, {24360, 72880, 720, 0}, {25080, 72980, 70920, 0}}},
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

// TestRecogniseFade: this fade is alike (0.92) to a frame of a second earlier,
// which the listener did not hear.
func TestRecogniseFade(t *testing.T) {
	s := mustSpeak(t, 18)
	const begin, before, after = 10768, 794624, 795116
	heard := fade{begin, before, after}.mixed(s.sound, 0, 24000)
	got := recognise(heard, s.sound)
	const middle = begin + step/2
	if len(got) != 2 || got[0].sent != before || got[0].length != middle || got[1].sent != after+middle || got[1].length != len(heard)-middle {
		t.Errorf("heard:\n%s", list(got))
	}
	mustBeSeamless(t, got, atSpeed)
}

func softly(sound []float32) []float32 {
	sound = slices.Clone(sound)
	for i := range sound {
		sound[i] /= 8
	}
	return sound
}

func reversed(sound []float32) []float32 {
	sound = slices.Clone(sound)
	slices.Reverse(sound)
	return sound
}
