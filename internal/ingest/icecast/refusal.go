package icecast

import (
	"context"
	"maps"
	"sync"
	"time"

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
	status int // of HTTP
	why    string
	latest time.Time // that the program came with it
	told   time.Time
}

// refusals are the latest ones of mounts, by their ids.
type refusals struct {
	mu      sync.Mutex
	byMount map[string]refusal
}

// repeated returns what a program is refused for that was cut off a moment ago.
func (rs *refusals) repeated(mount string) (r refusal, repeated bool) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r, refused := rs.byMount[mount]
	if !refused || time.Since(r.latest) > repetition {
		return refusal{}, false
	}
	r.latest = time.Now()
	rs.byMount[mount] = r
	return r, true
}

// note notes a refusal, and reports whether the speaker has to be told.
func (rs *refusals) note(mount string, status int, why string) (isNew bool) {
	now := time.Now()
	rs.mu.Lock()
	defer rs.mu.Unlock()
	maps.DeleteFunc(rs.byMount, func(_ string, r refusal) bool { return now.Sub(r.latest) > reminder })
	r := rs.byMount[mount]
	if isNew = r.why != why || now.Sub(r.told) > reminder; isNew {
		r.told = now
	}
	r.status, r.why, r.latest = status, why, now
	rs.byMount[mount] = r
	return isNew
}

// refuse notes why a program cannot be on air as it is, and tells its speaker.
func (s *Server) refuse(mount store.Mount, status int, err error) {
	s.Log.Warn("a program is refused", "mount", mount.ID, "err", err)
	why := text.Headline(err, maxName)
	if !s.refusals.note(mount.ID, status, why) {
		return
	}
	s.running.Go(func() {
		ctx, cancel := context.WithTimeout(s.life, tellTimeout)
		defer cancel()
		if err := s.Direct(ctx, mount.Speaker, "Your program is connected, but cannot be on air: "+why+"."); err != nil {
			s.Log.Warn("a speaker was not told why their program is refused", "err", err)
		}
	})
}
