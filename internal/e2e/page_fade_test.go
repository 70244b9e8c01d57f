package e2e

import (
	"math"

	"broadcastbot/internal/opus"
)

// To play a little faster or slower, the page decides in steps (sound/stretch.js):
// in each it plays on, or fades over to another place nearby. Two places are
// heard at a time then, whose sum may be like neither of them, and by chance
// like something else altogether.
const (
	step    = opus.SampleRate * 15 / 1000
	certain = 0.995 // likeness of a step that needs no other explanation
)

// fade is a step from one place to another. A place is said as the difference
// between a moment sent and the moment at which it is heard.
type fade struct {
	begin         int // in what was heard
	before, after int
}

// mixed returns what is heard in [from, to).
func (f fade) mixed(sent []float32, from, to int) []float32 {
	sound := make([]float32, to-from)
	for i := range sound {
		share := float32(min(max(from+i-f.begin, 0), step)) / step
		before, after := from+i+f.before, from+i+f.after
		if min(before, after) >= 0 && max(before, after) < len(sent) {
			sound[i] = (1-share)*sent[before] + share*sent[after]
		}
	}
	return sound
}

// passages are what is heard from a moment to the end of the fade, of which half
// belongs to each place.
func (f fade) passages(from int, likeness float64) []passage {
	middle, end := f.begin+step/2, f.begin+step
	if middle <= from {
		return []passage{{heard: from, sent: from + f.after, length: end - from, likeness: likeness}}
	}
	return []passage{
		{heard: from, sent: from + f.before, length: middle - from, likeness: likeness},
		{heard: middle, sent: middle + f.after, length: end - middle, likeness: likeness},
	}
}

// step says where the next step is from, and nothing when it is not the page's.
func (r *recogniser) step(heard []float32, at int) []passage {
	place := r.next - at
	n := step
	if rest := len(heard) - at; rest < 2*step { // too little for a fade
		n = rest
	}
	l := likeness(heard[at:at+n], r.sent, r.next)
	if l >= certain || (n != step && l >= alike) {
		r.next += n
		return []passage{{heard: at, sent: at + place, length: n, likeness: l}}
	}
	if n != step {
		return nil
	}
	f, faded := r.fade(heard[:at+step], at, at, place)
	if max(l, faded) < same {
		return nil
	}
	if l >= faded {
		f.after = place
	}
	r.next = at + step + f.after
	return f.passages(at, max(l, faded))
}

// firstFade finds the fade with which the page begins to change its speed. From
// there on its steps are known.
func (r *recogniser) firstFade(heard []float32, at int) []passage {
	place := r.next - at
	differs := func(i int) bool { return likeness(heard[i:i+block], r.sent, i+place) < same }
	left := max(0, at-step/2)
	for left < at+frame && left+step <= len(heard) && !(differs(left) && differs(left+block)) {
		left += block
	}
	if left+step > len(heard) {
		return nil
	}
	best, most := fade{}, -1.0
	for begin := max(0, left-step/2); begin <= left+block; begin += 8 {
		if f, l := r.fade(heard[:left+step/2], max(0, left-step/2), begin, place); l > most {
			best, most = f, l
		}
	}
	if most < same || best.begin+step > len(heard) || best.begin+step <= at {
		return nil
	}
	r.next = best.begin + step + best.after
	return best.passages(at, most)
}

// fade finds the fade that explains heard from a moment on best.
func (r *recogniser) fade(heard []float32, from, begin, place int) (best fade, most float64) {
	sound := heard[from:]
	shares, known, energy := r.half(sound, from, begin, place)
	most = -1
	for after := max(place-near, -from); after <= min(place+near, len(r.sent)-len(heard)); after++ {
		var product, mixed float64
		for i, y := range r.sent[from+after : len(heard)+after] {
			mix := known[i] + shares[i]*y
			product += float64(mix * sound[i])
			mixed += float64(mix * mix)
		}
		if l := product / math.Sqrt(energy*mixed+1e-12); l > most {
			best, most = fade{begin, place, after}, l
		}
	}
	return best, most
}

// half is what is known of a fade without the place where it leads: the share of
// that place in every sample, what is heard of the other one, and the energy of
// all that is heard.
func (r *recogniser) half(sound []float32, from, begin, place int) (shares, known []float32, energy float64) {
	shares, known = make([]float32, len(sound)), make([]float32, len(sound))
	for i, x := range sound {
		shares[i] = float32(min(max(from+i-begin, 0), step)) / step
		if at := from + i + place; at >= 0 && at < len(r.sent) {
			known[i] = (1 - shares[i]) * r.sent[at]
		}
		energy += float64(x * x)
	}
	return shares, known, energy
}
