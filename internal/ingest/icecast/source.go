package icecast

import (
	"context"
	"errors"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/retry"
	"broadcastbot/store"
)

// KindName is the name of the kind of sources.
const KindName = "icecast"

// sourceOf is the specification of what comes to a mount.
func sourceOf(mount string) string { return KindName + ":" + mount }

// Kind is the row for the table of kinds, as far as it is the same for all. A source's name is the id of
// its mount.
var Kind = capture.Kind{
	Name: KindName, Live: true, Alone: true, Personal: true,
	Examples: []string{"icecast"}, Help: "what your program sends (BUTT, Mixxx and others); !live source tells you where to",
}

// Kind is the kind of this server's sources.
func (s *Server) Kind() capture.Kind {
	kind := Kind
	kind.Open, kind.Grant = s.lines.open, s.grant
	return kind
}

var errNotConnected = errors.New("your program is not connected: connect it first, with what !live source tells you")

// grant returns the mount of who asks.
func (s *Server) grant(ctx context.Context, by capture.Asker, name string) (string, error) {
	mount, err := s.Mounts.Mount(ctx, by.Room, by.User)
	switch {
	case errors.Is(err, store.ErrNoMount):
		return "", errors.New("you have no mount for this room yet: say !live source, and I tell you in a direct chat what to type into your program")
	case err != nil:
		return "", err
	case name != "" && name != mount.ID:
		return "", errors.New("this is not your mount: say icecast alone")
	}
	if !s.lines.has(mount.ID) {
		return "", errNotConnected
	}
	return mount.ID, nil
}

// open opens what comes to a mount. After a restart, the program has yet to come back.
func (ls *lines) open(ctx context.Context, mount string, o capture.Options) (capture.Source, error) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.byMount[mount]
	if l == nil && !o.Resumed {
		return nil, errNotConnected
	}
	if l == nil {
		l = ls.newLine(mount, true)
		ls.await(l, ls.grace, capture.ErrLineGone)
	}
	inner, err := l.feed.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	l.onAir = true
	delete(ls.held, mount)
	return &source{Source: inner, lines: ls, line: l}, nil
}

// lead is how much faster than time goes by sound may come: what a program has kept while its line
// was slow comes at once, but nobody pushes hours within a minute.
const lead = 5 * time.Second

// source is what a show reads of a line.
type source struct {
	capture.Source
	lines *lines
	line  *line
	due   time.Time // of the next packet
}

var (
	_ capture.LineSource    = (*source)(nil)
	_ capture.PlayingSource = (*source)(nil)
)

func (s *source) ReadPacket(ctx context.Context) ([]byte, error) {
	if early := time.Until(s.due.Add(-lead)); early > 0 {
		if err := retry.Sleep(ctx, early); err != nil {
			return nil, err
		}
	}
	packet, err := s.Source.ReadPacket(ctx)
	if err != nil {
		return packet, err
	}
	if now := time.Now(); s.due.Before(now) {
		s.due = now
	}
	s.due = s.due.Add(opus.Duration(opus.FrameSize))
	return packet, nil
}

// Stats are those of the stream.
func (s *source) Stats() capture.Stats { return capture.StatsOf(s.Source) }

// LineDown returns since when no program is connected. The zero time: one is.
func (s *source) LineDown() time.Time {
	s.lines.mu.Lock()
	defer s.lines.mu.Unlock()
	if s.line.from != nil {
		return time.Time{}
	}
	return s.line.down
}

// Playing returns what the program says that it plays.
func (s *source) Playing() string {
	s.lines.mu.Lock()
	defer s.lines.mu.Unlock()
	return s.line.song
}

// Close gives the line back, for which nobody waits any more. Whoever has stopped the show does not want
// its program to begin another one.
func (s *source) Close() error {
	err := s.Source.Close()
	s.lines.mu.Lock()
	defer s.lines.mu.Unlock()
	if s.line.onAir && !s.line.over {
		s.lines.hold(s.line.mount)
	}
	s.line.onAir = false
	if s.line.from == nil {
		s.lines.drop(s.line, capture.ErrLineGone)
	}
	return err
}
