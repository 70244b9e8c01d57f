package studioline

import (
	"testing"

	"broadcastbot/internal/showtest"
	"broadcastbot/store"
)

// newPage is a page with a link of its own and so many packets to be spoken.
func newPage(t *testing.T, s *station, n int) *page {
	t.Helper()
	return &page{t: t, url: s.url(), secret: s.mustInvite(t), packets: mustVoice(t, n)}
}

// mustHave compares the recording of the only show with what was spoken.
func (s *station) mustHave(t *testing.T, sent [][]byte) *store.Show {
	t.Helper()
	s.mustBeOver(t)
	show := mustShow(t, s.store)
	recorded, _ := mustRecording(t, s.url(), show)
	mustEqual(t, recorded, sent)
	return show
}

// mustBeOver waits until nothing is left to be done for any show.
func (s *station) mustBeOver(t *testing.T) {
	t.Helper()
	s.manager.Stop(t.Context(), room)
}

func TestShow(t *testing.T) {
	s := mustStation(t, stationOptions{})
	p := newPage(t, s, 103)
	p.goOnAir()
	p.send(0, 103)
	p.awaitDurable(100)
	p.stop(103)
	show := s.mustHave(t, p.packets)
	if show.Title != "Town hall" || show.Speaker != speaker || show.Reason != "" {
		t.Errorf("the show is %+v", show)
	}
}

// TestBrokenLine: the line breaks again and again in the middle of a sentence, and the page sends from
// where the station wants it.
func TestBrokenLine(t *testing.T) {
	s := mustStation(t, stationOptions{})
	line := showtest.NewLine(t, s.address)
	p := newPage(t, s, 400)
	p.url = line.URL()
	p.goOnAir()
	next := 0
	for next < 300 {
		p.send(next, next+73)
		line.SetCut(true)
		line.SetCut(false)
		next = p.resume()
	}
	p.send(next, 400)
	p.stop(400)
	s.mustHave(t, p.packets)
}

// TestSentAgain: packets that the station has are skipped, whatever they say now.
func TestSentAgain(t *testing.T) {
	s := mustStation(t, stationOptions{})
	p := newPage(t, s, 200)
	p.goOnAir()
	p.send(0, 100)
	p.send(0, 120)
	p.send(50, 200)
	other := &page{t: t, packets: p.packets[:50], conn: p.conn}
	other.send(0, 50)
	p.stop(200)
	s.mustHave(t, p.packets)
}
