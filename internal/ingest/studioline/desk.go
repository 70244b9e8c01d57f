package studioline

import (
	"context"
	"time"

	"github.com/coder/websocket"

	"broadcastbot/capture"
	"broadcastbot/internal/opus"
	"broadcastbot/store"
)

// desk is what belongs to a pass while something of it is here: the newest line, and the source of its
// show. The studio's lock guards it.
type desk struct {
	studio *Studio
	source string        // of the show, as its record names it
	asker  capture.Asker // known from the first line on

	stage   deskStage
	line    *line   // nil: there is none
	air     *source // nil: nothing is open
	preSkip int     // samples, as the page's encoder says
	title   string

	show    string    // id of the show, once it is known
	started time.Time // the show
	durable int64     // packets of it that are on the disk
	ended   time.Time // when the show ended
	reason  string    // of that, as a sentence
}

// deskStage is how far the show has come.
type deskStage int

const (
	off deskStage = iota
	starting
	live
	ended
)

func (s deskStage) String() string {
	return [...]string{off: "off", starting: "off", live: "live", ended: "ended"}[s]
}

// deskOf returns the desk of a pass. The caller holds the lock.
func (s *Studio) deskOf(source string) *desk {
	d := s.desks[source]
	if d == nil {
		s.forgetEnded()
		d = &desk{studio: s, source: source}
		s.desks[source] = d
	}
	return d
}

// forgetEnded forgets the desks of shows that ended long ago: no page comes back any more.
func (s *Studio) forgetEnded() {
	for source, d := range s.desks {
		if d.stage == ended && d.line == nil && time.Since(d.ended) > passLifetime {
			delete(s.desks, source)
		}
	}
}

// tidy forgets a desk at which nobody is. The caller holds the lock.
func (d *desk) tidy() {
	if d.line == nil && d.air == nil && d.stage == off && d.studio.desks[d.source] == d {
		delete(d.studio.desks, d.source)
	}
}

// attach brings a line to its desk, and has it say how the show stands. It returns false if that is not
// known yet, because the station has just begun.
func (s *Studio) attach(l *line, p *store.Pass, roomName string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.deskOf(p.Source)
	defer d.tidy()
	l.desk = d
	if p.Used && d.air == nil && d.stage == off { // its show was that of an earlier run
		if p.Show != "" {
			return false
		}
		over := desk{studio: s, stage: ended}
		l.post(over.welcome(""))
		l.hangUp(websocket.StatusNormalClosure, "")
		return true
	}
	d.take(l, p)
	l.post(d.welcome(roomName))
	switch d.stage {
	case live:
		l.post(d.acknowledgement())
	case ended:
		l.hangUp(websocket.StatusNormalClosure, "")
	}
	return true
}

// take makes a line the desk's, in place of an older one.
func (d *desk) take(l *line, p *store.Pass) {
	d.line.replace()
	d.line, d.asker = l, capture.Asker{Room: p.Room, User: p.Speaker}
	if d.title == "" {
		d.title = p.Title
	}
	if p.Show != "" {
		d.show, d.started = p.Show, p.StartedAt
	}
}

// detach notes that a line is broken.
func (l *line) detach() {
	s := l.studio
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.desk.line == l {
		l.desk.line = nil
	}
	l.desk.tidy()
}

// start begins the show, if it has not begun. The page hears of it on the line that it then has. What a
// line says that was replaced does not count.
func (l *line) start(title string, preSkip int) {
	d, s := l.desk, l.studio
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case d.line != l || d.stage == starting:
	case d.stage == live:
		l.post(d.onAir())
	case d.stage == ended:
		l.post(reply{"type": "ended", "reason": d.reason})
	case preSkip < 0 || preSkip > maxPreSkip:
		l.post(reply{"type": "refused", "reason": "The pre-skip of the page's encoder makes no sense."})
	case !s.over:
		d.stage, d.preSkip = starting, preSkip
		if title != "" {
			d.title = title
		}
		s.running.Add(1)
		go d.begin(d.asker, d.title)
	}
}

// startTimeout is how long rights may be looked up and rooms be told.
const startTimeout = time.Minute

// begin puts the show on air.
func (d *desk) begin(by capture.Asker, title string) {
	s := d.studio
	defer s.running.Done()
	ctx, cancel := context.WithTimeout(s.life, startTimeout)
	defer cancel()
	show, err := s.Stage.StartFor(ctx, by, d.source, title)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case d.stage != starting: // it is over already
	case err != nil:
		d.stage = off
		d.line.post(reply{"type": "refused", "reason": err.Error()})
		d.tidy()
	default:
		d.stage, d.show, d.started = live, show.ID, show.StartedAt
		d.line.post(d.onAir())
	}
}

// stop says how many packets the show has. It ends when all of them are there, or with the grace time.
func (l *line) stop(count int64) {
	d, s := l.desk, l.studio
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case d.line != l:
	case d.stage == ended:
		l.post(reply{"type": "ended", "reason": d.reason})
	case d.stage == live && count >= 0:
		d.air.count = count
		d.air.changed()
	}
}

// end notes that the show is over, and tells the page. The caller holds the lock.
func (d *desk) end(reason string) {
	d.stage, d.ended, d.reason, d.title = ended, time.Now(), reason, ""
	d.air = nil
	d.line.post(reply{"type": "ended", "reason": reason})
	d.line.hangUp(websocket.StatusNormalClosure, "")
}

// next is the number of the packet that is expected next.
func (d *desk) next() int64 {
	if d.air == nil {
		return 0
	}
	return d.air.next
}

func (d *desk) welcome(roomName string) reply {
	welcome := reply{
		"type": "welcome", "room": "", "roomName": "", "speaker": d.asker.User, "title": "",
		"state": d.stage.String(), "started": millis(d.started), "next": d.next(), "reason": d.reason,
		"grace": d.studio.Grace.Seconds(), "now": time.Now().UnixMilli(), "audio": d.studio.audio(),
	}
	if d.stage != ended { // such a link opens nothing any more
		welcome["room"], welcome["roomName"], welcome["title"] = d.asker.Room, roomName, d.title
	}
	return welcome
}

// audio is what the page has to encode.
func (s *Studio) audio() map[string]any {
	return map[string]any{
		"channels": s.Encoder.Channels, "bitrate": s.Encoder.Bitrate, "application": string(s.Encoder.Application), "vbr": s.Encoder.VBR,
	}
}

func (d *desk) onAir() reply {
	return reply{"type": "onair", "started": millis(d.started), "next": d.next()}
}

func (d *desk) acknowledgement() reply { return reply{"type": "durable", "next": d.durable} }

// millis is a time in milliseconds since 1970; 0: it is not known.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// maxPreSkip is far more samples than an encoder is behind.
const maxPreSkip = opus.SampleRate / 4
