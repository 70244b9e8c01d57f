package studioline

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/coder/websocket"

	"broadcastbot/internal/retry"
	"broadcastbot/internal/showtest"
	"broadcastbot/internal/testhelp"
	"broadcastbot/store"
)

// newPage is a page with a link of its own and so many packets to be spoken.
func newPage(t *testing.T, s *station, n int) *page {
	t.Helper()
	return &page{t: t, url: s.url(), secret: s.mustInvite(t), packets: mustVoice(t, n)}
}

// twin is a page on another device, with the same link and the same to be spoken.
func (p *page) twin() *page { return &page{t: p.t, url: p.url, secret: p.secret, packets: p.packets} }

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

// TestRehearsal: what is said comes back, and nothing of it is recorded.
func TestRehearsal(t *testing.T) {
	s := mustStation(t, stationOptions{})
	p := newPage(t, s, 60)
	p.mustDial()
	p.await("welcome")
	p.say(map[string]any{"type": "rehearse", "on": true})
	sent := encode(0, time.Now(), p.packets[50:])
	p.sendSound(sent)
	for {
		kind, data, err := p.conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if kind == websocket.MessageBinary {
			if !bytes.Equal(data, sent) {
				t.Error("something else comes back")
			}
			break
		}
	}
	if shows, err := s.store.Shows(t.Context(), store.Filter{}); len(shows) > 0 || err != nil {
		t.Errorf("%d shows after a rehearsal, %v", len(shows), err)
	}
	p.say(map[string]any{"type": "start"})
	p.await("onair")
	p.send(0, 50)
	p.stop(50)
	if show := s.mustHave(t, p.packets[:50]); show.Title != "Town hall" {
		t.Errorf("the show is called %q, not as the speaker has said in the room", show.Title)
	}
}

// TestNewestLineWins: the older one is told, and counts no more.
func TestNewestLineWins(t *testing.T) {
	s := mustStation(t, stationOptions{})
	old := newPage(t, s, 200)
	old.goOnAir()
	old.send(0, 100)
	old.awaitDurable(50)
	page := old.twin()
	next := page.resume()
	old.send(100, 110) // for all that it knows
	old.say(map[string]any{"type": "stop", "count": 1})
	if old.await("replaced"); old.awaitClose() != closeReplaced {
		t.Error("the older line is closed with another code")
	}
	page.send(next, 200)
	page.stop(200)
	s.mustHave(t, page.packets)
}

// TestOldDeviceStaysAway: a page that comes back by itself takes the line from no other device, whose line
// may be broken, too. Only a page that says that it is a new one does.
func TestOldDeviceStaysAway(t *testing.T) {
	s := mustStation(t, stationOptions{})
	phone := newPage(t, s, 200)
	phone.goOnAirWith(50)
	phone.conn.CloseNow() // a tunnel
	laptop := phone.twin()
	laptop.send(laptop.resume(), 100)
	laptop.awaitDurable(100)
	laptop.conn.CloseNow()
	if phone.mustDial(); phone.await("replaced", "welcome")["type"] != "replaced" || phone.awaitClose() != closeReplaced {
		t.Error("the old device takes the line back by itself")
	}
	laptop.send(laptop.resume(), 150)
	laptop.awaitDurable(150)
	phone.generation = 0 // a tap
	next := phone.resume()
	if laptop.await("replaced"); laptop.awaitClose() != closeReplaced {
		t.Error("the laptop is not told")
	}
	phone.send(next, 200)
	phone.stop(200)
	s.mustHave(t, phone.packets)
	if laptop.mustDial(); laptop.await("replaced", "welcome")["state"] != "ended" {
		t.Error("a device that was replaced is not told that the show is over")
	}
}

// TestGenerations: a page from before a restart is believed which device it is, and one that says
// nonsense has no line.
func TestGenerations(t *testing.T) {
	s := mustStation(t, stationOptions{})
	p := newPage(t, s, 10)
	for _, test := range []struct{ says, want float64 }{{0, 1}, {0, 2}, {2, 2}, {7, 7}, {0, 8}} {
		p.generation = test.says
		if p.mustDial(); p.await("welcome", "replaced")["generation"] != test.want {
			t.Errorf("who says %v is generation %v, want %v", test.says, p.generation, test.want)
		}
	}
	for _, nonsense := range []float64{-1, 1.5, 1 << 31, 1e300} {
		p.generation = nonsense
		if p.mustDial(); p.await("welcome", "refused")["type"] != "refused" {
			t.Errorf("generation %v has a line", nonsense)
		}
	}
}

// TestShowIsNamed: a page is told whose packets are wanted.
func TestShowIsNamed(t *testing.T) {
	s := mustStation(t, stationOptions{})
	p := newPage(t, s, 10)
	p.mustDial()
	if welcome := p.await("welcome"); welcome["show"] != "" {
		t.Errorf("there is no show: %v", welcome)
	}
	p.say(map[string]any{"type": "start"})
	onAir := p.await("onair")
	id := mustShow(t, s.store).ID
	p.mustDial()
	if welcome := p.await("welcome"); onAir["show"] != id || welcome["show"] != id {
		t.Errorf("the show is %s: %v, %v", id, onAir, welcome)
	}
	p.send(0, 10)
	p.stop(10)
}

// TestLineGone: a show whose line does not come back ends in order with what came, and its room is told.
func TestLineGone(t *testing.T) {
	s := mustStation(t, stationOptions{grace: 500 * time.Millisecond})
	p := newPage(t, s, 50)
	p.goOnAirWith(50)
	p.conn.CloseNow()
	s.mustEnd(t)
	if show := s.mustHave(t, p.packets); show.Reason != "the speaker's line did not come back" {
		t.Errorf("the room is told: %q", show.Reason)
	}
	p.mustDial()
	welcome := p.await("welcome")
	if welcome["state"] != "ended" || welcome["reason"] != "The show is over: the speaker's line did not come back." {
		t.Errorf("the speaker who comes back is told: %v", welcome)
	}
	if welcome["roomName"] != "" || welcome["title"] != "" {
		t.Errorf("a link that was used opens %v", welcome)
	}
}

// TestDeleted: of a show that is deleted no link is left, and the page is told.
func TestDeleted(t *testing.T) {
	s := mustStation(t, stationOptions{})
	p := newPage(t, s, 10)
	p.goOnAirWith(10)
	if err := s.manager.Delete(t.Context(), mustShow(t, s.store).ID); err != nil {
		t.Fatal(err)
	}
	if end := p.await("ended"); end["reason"] != "The show was ended." {
		t.Errorf("the page is told %v", end)
	}
	s.mustEnd(t)
	var passes int
	if err := s.store.DB().QueryRowContext(t.Context(), `SELECT count(*) FROM pass`).Scan(&passes); err != nil || passes > 0 {
		t.Errorf("%d passes are left, %v", passes, err)
	}
	if p.mustDial(); p.await("welcome", "refused")["reason"] != invalid {
		t.Error("its link opens something")
	}
}

// mustEnd waits until the show has come to its end by itself.
func (s *station) mustEnd(t *testing.T) {
	t.Helper()
	testhelp.Eventually(t, "the show ends", func() bool { return !s.hasShow(t) })
}

// hasShow reports whether a show is on air, or still being announced while its page sends already.
func (s *station) hasShow(t *testing.T) bool {
	t.Helper()
	shows, err := s.store.Shows(t.Context(), store.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	_, live := s.manager.Status(room)
	return live || slices.ContainsFunc(shows, func(show *store.Show) bool {
		return show.Stage == store.Starting || show.Stage == store.Live
	})
}

// TestStopWaits: a show that its speaker has ended waits for the packets that are on their way, but not
// for ever.
func TestStopWaits(t *testing.T) {
	s := mustStation(t, stationOptions{grace: time.Second})
	p := newPage(t, s, 100)
	p.goOnAir()
	p.send(0, 30)
	p.say(map[string]any{"type": "stop", "count": 100})
	p.awaitDurable(30)
	p.conn.CloseNow()
	next := p.resume()
	p.send(next, 70)
	p.say(map[string]any{"type": "stop", "count": 100})
	if end := p.await("ended"); end["reason"] != "The show is over: the speaker's line did not come back." {
		t.Errorf("ended: %v", end["reason"])
	}
	s.mustHave(t, p.packets[:70])
}

// TestEndedInTheRoom: what ends a show does so at once while the line is down, and the page learns of
// it.
func TestEndedInTheRoom(t *testing.T) {
	for name, end := range map[string]func(*station) error{
		"stop": func(s *station) error {
			_, err := s.manager.Stop(t.Context(), room)
			return err
		},
		"ban": func(s *station) error {
			_, err := s.manager.StopIf(t.Context(), room, func(show *store.Show) bool { return show.Speaker == speaker })
			return err
		},
		"shutdown": func(s *station) error {
			s.end()
			s.managed.Wait()
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := mustStation(t, stationOptions{})
			p := newPage(t, s, 10)
			p.goOnAirWith(10)
			p.conn.CloseNow()
			if err := end(s); err != nil {
				t.Fatal(err)
			}
			s.mustEnd(t)
			p.mustDial()
			if welcome := p.await("welcome"); welcome["state"] != "ended" || welcome["reason"] != "The show was ended." {
				t.Errorf("welcome: %v", welcome)
			}
			if code := p.awaitClose(); code != websocket.StatusNormalClosure {
				t.Errorf("closed with %d", code)
			}
		})
	}
}

// TestStatus: whoever asks is told that the line is down.
func TestStatus(t *testing.T) {
	s := mustStation(t, stationOptions{})
	p := newPage(t, s, 10)
	p.goOnAirWith(10)
	if status, live := s.manager.Status(room); !live || !status.LineDown.IsZero() {
		t.Errorf("the line is down since %v", status.LineDown)
	}
	p.conn.CloseNow()
	testhelp.Eventually(t, "the line is down", func() bool {
		status, _ := s.manager.Status(room)
		return !status.LineDown.IsZero()
	})
	p.resume()
	p.stop(10)
}

// TestStartIsRefused: a start may be repeated, and one that is refused leaves the link as it was.
func TestStartIsRefused(t *testing.T) {
	s := mustStation(t, stationOptions{})
	p := newPage(t, s, 10)
	p.mustDial()
	p.await("welcome")
	say := func(want string) {
		t.Helper()
		p.say(map[string]any{"type": "start", "preSkip": 312})
		if answer := p.await("refused", "onair"); answer["reason"] != want {
			t.Errorf("a start is answered with %v, want %q", answer, want)
		}
	}
	s.setRefusal(errors.New("Only this station's speakers may go on air."), nil)
	say("Only this station's speakers may go on air.")
	s.setRefusal(nil, retry.Permanent(errors.New("banned")))
	say("the show cannot be announced: banned")
	s.setRefusal(nil, nil)
	p.say(map[string]any{"type": "start", "preSkip": -1})
	p.await("refused")
	p.say(map[string]any{"type": "start"})
	p.say(map[string]any{"type": "start"})
	p.await("onair")
	p.say(map[string]any{"type": "start"})
	p.await("onair")
	p.send(0, 10)
	p.stop(10)
	s.mustHave(t, p.packets)
}

func (s *station) setRefusal(refusal, closed error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal, s.closed = refusal, closed
}
