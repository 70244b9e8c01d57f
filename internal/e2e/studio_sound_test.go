package e2e

import (
	"slices"
	"testing"

	"broadcastbot/internal/opus"
)

// stretch is sound of which every sample follows on the one before it in what was said.
type stretch struct{ heard, sent, windows int }

// arrived says where in what was said the packets come from that the station has, and for how much of
// it that can be told. (It was coded, so it is only alike; recognise is too strict for it.)
//
// On a busy machine the browser itself loses or repeats 10 ms of its microphone now and then, before the page
// hears it. What the page could lose are packets of 20 ms.
func (s *studioStation) arrived(said speech) (stretches []stretch, told float64) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	sound, err := decode(s.packets)
	if err != nil {
		s.t.Fatal(err)
	}
	return stretchesOf(s.t, sound, said)
}

func stretchesOf(t testing.TB, sound []float32, said speech) (stretches []stretch, told float64) {
	t.Helper()
	const window, enough = 4800, 0.4
	r := recogniser{sent: said.sound, thinned: thin(said.sound)}
	known, windows := 0, 0
	for at := 0; at+window <= len(sound); at += window {
		windows++
		piece := sound[at : at+window]
		sent := nowhere
		if n := len(stretches); n > 0 {
			sent = stretches[n-1].sent + at - stretches[n-1].heard
		}
		if likeness(piece, said.sound, sent) >= enough {
			known++
			stretches[len(stretches)-1].windows++
			continue
		}
		found, alike := r.anywhere(piece)
		if alike < 0.8 {
			continue
		}
		known++
		if lost := found - sent; sent != nowhere && lost != 0 && max(lost, -lost) < opus.FrameSize {
			t.Logf("the browser has lost or repeated %d samples", lost)
			stretches[len(stretches)-1].sent += lost
			continue
		}
		stretches = append(stretches, stretch{at, found, 1})
	}
	byChance := func(s stretch) bool { return s.windows < 3 } // two vowels of one voice are alike
	return slices.DeleteFunc(stretches, byChance), float64(known) / float64(max(1, windows))
}

// mustArrive checks that what the station has is what was said, in so many stretches.
func (p *speaking) mustArrive(said speech, want int) {
	p.t.Helper()
	stretches, told := p.station.arrived(said)
	if len(stretches) != want || told < 0.7 {
		p.t.Errorf("what arrived is %v, of %d stretches, and %.0f %% of it can be told; want %d stretches", stretches, len(stretches), 100*told, want)
	}
}
