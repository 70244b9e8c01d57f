package icecast

import (
	"context"
	"maps"
	"sync"
	"time"

	"broadcastbot/internal/retry"
	"broadcastbot/internal/text"
	"broadcastbot/store"
)

const (
	// repetition is how soon a program tries again by itself. It is refused for the same reason then,
	// before it sends: programs show why they are not let in, but not why they are cut off.
	repetition = 5 * time.Second
	// reminder is how long a speaker is not told the same again.
	reminder = 10 * time.Minute
	// tellTimeout is how long a speaker's direct chat may take.
	tellTimeout = 30 * time.Second
)

// refusal is what a program was cut off for after it had begun to send.
type refusal struct {
	why    string
	format time.Time // when it was refused for what it sends; zero: for another reason, which may pass
	told   time.Time
}

// refusals are the latest ones of mounts, by their ids.
type refusals struct {
	mu      sync.Mutex
	byMount map[string]refusal
}

// repeated returns why a program is refused whose format was refused a moment ago.
func (rs *refusals) repeated(mount string) (why string, repeated bool) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r := rs.byMount[mount]
	return r.why, time.Since(r.format) <= repetition
}

// note notes a refusal, and reports whether the speaker has to be told.
func (rs *refusals) note(mount, why string, isFormat bool) (isNew bool) {
	now := time.Now()
	rs.mu.Lock()
	defer rs.mu.Unlock()
	maps.DeleteFunc(rs.byMount, func(_ string, r refusal) bool { return now.Sub(r.told) > reminder })
	r := rs.byMount[mount]
	if isNew = r.why != why; isNew {
		r = refusal{why: why, told: now}
	}
	if isFormat {
		r.format = now
	}
	rs.byMount[mount] = r
	return isNew
}

// refuse notes why a program cannot be on air as it is, and tells its speaker.
func (s *Server) refuse(mount store.Mount, err error, isFormat bool) {
	s.Log.Warn("a program is refused", "mount", mount.ID, "err", err)
	why := text.Headline(err, maxName)
	if s.refusals.note(mount.ID, why, isFormat) {
		s.running.Go(func() { s.tell(mount, "Your program is connected, but cannot be on air: "+why+".") })
	}
}

// tell writes to a mount's speaker.
func (s *Server) tell(mount store.Mount, message string) {
	ctx, cancel := context.WithTimeout(s.life, tellTimeout)
	defer cancel()
	if err := s.Direct(ctx, mount.Speaker, message); err != nil {
		s.Log.Warn("a speaker was not told about their program", "mount", mount.ID, "err", err)
	}
}

// holdDelay lets the station end first, if that is why a show was stopped.
const holdDelay = time.Second

// tellOfHold tells a speaker that their program does not go on air by itself, because its show was
// stopped.
func (s *Server) tellOfHold(mount store.Mount) {
	if mount.Speaker == "" || !s.begin(nil) { // it has not come back since a restart, or the end is here
		return
	}
	go func() {
		defer s.running.Done()
		if retry.Sleep(s.life, holdDelay); s.life.Err() == nil {
			s.tell(mount, "Your show was stopped, so your program does not go on air by itself now, even if it connects again, "+
				"until it has been disconnected for 10 minutes. !live start icecast in the room puts it on air.")
		}
	}()
}
