package capture

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"broadcastbot/internal/opus"
)

// sequence is a pcmReader of several recordings, one after the other: the last sample of one is followed
// by the first of the next. One that breaks off, or that cannot be opened, is left out from there on.
type sequence struct {
	// open opens the next recording, by its name for the log. io.EOF: there is none. Another error
	// without a name ends the sequence.
	open func(context.Context) (recording pcmReader, name string, err error)
	log  *slog.Logger

	current pcmReader // nil: the next one is to be opened
	name    string
	played  bool // some sound has come
}

// aheadOfSequence is how much sound is decoded ahead, so that it does not falter while the next recording is
// opened: one second.
const aheadOfSequence = opus.SampleRate / opus.FrameSize

// openSequence returns what a sequence plays, all through one encoder. For next see sequence.open.
func openSequence(ctx context.Context, next func(context.Context) (pcmReader, string, error), o Options) (Source, error) {
	return detach(ctx, o.Log, aheadOfSequence, func(context.Context) (Source, error) {
		return newEncoded(&sequence{open: next, log: o.Log}, o.Encoder)
	})
}

var errNothingPlays = errors.New("nothing in it can be played")

func (s *sequence) ReadPCM(ctx context.Context, pcm []int16) (int, error) {
	n := 0
	for n < len(pcm) {
		if err := s.advance(ctx); err != nil {
			return n, err
		}
		if s.current == nil {
			continue
		}
		read, err := s.current.ReadPCM(ctx, pcm[n:])
		n, s.played = n+read, s.played || read > 0
		if ctx.Err() != nil {
			return n, ctx.Err()
		}
		if err != nil {
			s.leave(err)
		}
	}
	return n, nil
}

// advance opens the next recording if none is being read.
func (s *sequence) advance(ctx context.Context) error {
	if s.current != nil {
		return nil
	}
	recording, name, err := s.open(ctx)
	if err == nil {
		s.current, s.name = recording, name
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, io.EOF) && !s.played:
		return errNothingPlays
	case err != nil && name != "":
		s.log.Warn("left out", "entry", name, "err", err)
		return nil
	}
	return err
}

// leave notes why a recording is over.
func (s *sequence) leave(why error) {
	if !errors.Is(why, io.EOF) {
		s.log.Warn("broke off", "entry", s.name, "err", why)
	}
	if stats := statsOf(s.current); stats != (Stats{}) {
		s.log.Warn("lost sound", "entry", s.name, "stats", stats)
	}
	s.Close()
}

func (s *sequence) Close() error {
	if s.current == nil {
		return nil
	}
	closed := s.current
	s.current = nil
	return closed.Close()
}
