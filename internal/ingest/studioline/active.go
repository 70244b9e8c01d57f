package studioline

import (
	"context"
	"time"

	"github.com/coder/websocket"

	"broadcastbot/capture"
	"broadcastbot/internal/opus"
	"broadcastbot/store"
)

// activePass is a pass of which something is here: its newest line, or the source of its show. The
// studio's lock guards it.
type activePass struct {
	studio *Studio
	spec   string        // of the source, as the show's record has it
	asker  capture.Asker // known from the first line on

	stage showStage
	line  *line // nil: there is none
	// generation is the device that has the line: each that takes it from another one gets the next number.
	generation int64
	source     *source // nil: nothing is open
	preSkip    int     // samples, as the page's encoder says
	title      string

	show    string    // id of the show, once it is known
	started time.Time // the show
	durable int64     // packets of it that are on the disk
	ended   time.Time // when the show ended
	reason  string    // of that, as a sentence
}

// showStage is how far the show has come.
type showStage int

const (
	off showStage = iota
	starting
	live
	ended
)

func (s showStage) String() string {
	return [...]string{off: "off", starting: "off", live: "live", ended: "ended"}[s]
}

// activate returns the active pass with a specification. The caller holds the lock.
func (s *Studio) activate(source string) *activePass {
	a := s.active[source]
	if a == nil {
		s.forgetEnded()
		a = &activePass{studio: s, spec: source}
		s.active[source] = a
	}
	return a
}

// forgetEnded forgets the passes of shows that ended long ago: no page comes back any more.
func (s *Studio) forgetEnded() {
	for source, a := range s.active {
		if a.stage == ended && a.line == nil && time.Since(a.ended) > passLifetime {
			delete(s.active, source)
		}
	}
}

// tidy forgets a pass of which nothing is here. The caller holds the lock.
func (a *activePass) tidy() {
	if a.line == nil && a.source == nil && a.stage == off && a.studio.active[a.spec] == a {
		delete(a.studio.active, a.spec)
	}
}

// attach gives a pass its newest line, and has it say how the show stands. It returns false if that is
// not known yet, because the station has just begun.
func (s *Studio) attach(l *line, p *store.Pass, roomName string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.activate(p.Source)
	defer a.tidy()
	l.pass = a
	if p.Used && a.source == nil && a.stage == off { // its show was that of an earlier run
		if p.Show != "" {
			return false
		}
		over := activePass{studio: s, stage: ended, reason: overBecause(p.Reason)}
		l.post(over.welcome(""))
		l.closeWith(websocket.StatusNormalClosure, "")
		return true
	}
	if !a.admit(l) {
		l.replace()
		return true
	}
	a.take(l, p)
	l.post(a.welcome(roomName))
	switch a.stage {
	case live:
		l.post(a.acknowledgement())
	case ended:
		l.closeWith(websocket.StatusNormalClosure, "")
	}
	return true
}

// maxGeneration is far more devices than anybody speaks on.
const maxGeneration = 1 << 30

// admit reports whether a line may be that of the pass. A page that comes back by itself may not, if
// another device has taken the line meanwhile: it says an older generation. A page that says a newer one
// was told it by an earlier run of the station. When the show is over, everybody may hear that.
func (a *activePass) admit(l *line) bool {
	switch {
	case l.generation == 0:
		a.generation++
	case l.generation < a.generation:
		return a.stage == ended
	default:
		a.generation = l.generation
	}
	return true
}

// take makes a line that of the pass, in place of an older one.
func (a *activePass) take(l *line, p *store.Pass) {
	a.line.replace()
	a.line, a.asker = l, capture.Asker{Room: p.Room, User: p.Speaker}
	if a.title == "" {
		a.title = p.Title
	}
	if p.Show != "" {
		a.show, a.started = p.Show, p.StartedAt
	}
}

// detach notes that a line is broken.
func (l *line) detach() {
	s := l.studio
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.pass.line == l {
		l.pass.line = nil
	}
	l.pass.tidy()
}

// start begins the show, if it has not begun. The page hears of it on the line that it then has. What a
// line says that was replaced does not count.
func (l *line) start(title string, preSkip int) {
	a, s := l.pass, l.studio
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case a.line != l || a.stage == starting:
	case a.stage == live:
		l.post(a.onAir())
	case a.stage == ended:
		l.post(reply{"type": "ended", "reason": a.reason})
	case preSkip < 0 || preSkip > maxPreSkip:
		l.post(reply{"type": "refused", "reason": "The pre-skip of the page's encoder makes no sense."})
	case !s.over:
		a.stage, a.preSkip = starting, preSkip
		if title != "" {
			a.title = title
		}
		s.running.Add(1)
		go a.begin(a.asker, a.title)
	}
}

// startTimeout is how long rights may be looked up and rooms be told.
const startTimeout = time.Minute

// begin puts the show on air.
func (a *activePass) begin(by capture.Asker, title string) {
	s := a.studio
	defer s.running.Done()
	ctx, cancel := context.WithTimeout(s.life, startTimeout)
	defer cancel()
	show, err := s.Stage.StartFor(ctx, by, a.spec, title)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case a.stage != starting: // it is over already
	case err != nil:
		a.stage = off
		a.line.post(reply{"type": "refused", "reason": err.Error()})
		a.tidy()
	default:
		a.stage, a.show, a.started = live, show.ID, show.StartedAt
		a.line.post(a.onAir())
	}
}

// stop says how many packets the show has. It ends when all of them are there, or with the grace time.
func (l *line) stop(count int64) {
	a, s := l.pass, l.studio
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case a.line != l:
	case a.stage == ended:
		l.post(reply{"type": "ended", "reason": a.reason})
	case a.stage == live && count >= 0:
		a.source.count = count
		a.source.changed()
	}
}

// end notes that the show is over, and tells the page. The caller holds the lock.
func (a *activePass) end(reason string) {
	a.stage, a.ended, a.reason, a.title = ended, time.Now(), reason, ""
	a.source = nil
	a.line.post(reply{"type": "ended", "reason": reason})
	a.line.closeWith(websocket.StatusNormalClosure, "")
}

// overBecause is what the speaker is told of why a show is over; nothing, where all is as it should be.
func overBecause(reason string) string {
	if reason == "" {
		return ""
	}
	return "The show is over: " + reason + "."
}

// next is the number of the packet that is expected next.
func (a *activePass) next() int64 {
	if a.source == nil {
		return 0
	}
	return a.source.next
}

func (a *activePass) welcome(roomName string) reply {
	welcome := reply{
		"type": "welcome", "room": "", "roomName": "", "speaker": a.asker.User, "title": "",
		"state": a.stage.String(), "started": millis(a.started), "next": a.next(), "reason": a.reason,
		"show": "", "generation": max(1, a.generation),
		"grace": a.studio.Grace.Seconds(), "now": time.Now().UnixMilli(), "audio": a.audio(),
	}
	if a.stage != ended { // such a link opens nothing any more
		welcome["room"], welcome["roomName"], welcome["title"] = a.asker.Room, roomName, a.title
		welcome["show"] = a.show
	}
	return welcome
}

// audio is what the page has to encode: for a show that goes on what it is, whatever the config says now.
func (a *activePass) audio() map[string]any {
	encoder := a.studio.Encoder
	if a.source != nil {
		encoder = a.source.encoder
	}
	return map[string]any{
		"channels": encoder.Channels, "bitrate": encoder.Bitrate, "application": string(encoder.Application), "vbr": encoder.VBR,
	}
}

func (a *activePass) onAir() reply {
	return reply{"type": "onair", "show": a.show, "started": millis(a.started), "next": a.next()}
}

func (a *activePass) acknowledgement() reply { return reply{"type": "durable", "next": a.durable} }

// millis is a time in milliseconds since 1970; 0: it is not known.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// maxPreSkip is far more samples than an encoder is behind.
const maxPreSkip = opus.SampleRate / 4
