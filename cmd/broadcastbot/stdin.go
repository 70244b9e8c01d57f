package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"

	"broadcastbot/capture"
)

// stdin is the standard input of a station whose source it is. It is read from the first moment on, so
// that a show has nothing of what was said before it.
type stdin struct {
	feed *capture.Feed // nil: the station has another source, and leaves its standard input alone
	log  *slog.Logger
}

func newStdin(c *config, log *slog.Logger) stdin {
	if c.Source != "pipe:-" {
		return stdin{}
	}
	return stdin{capture.NewFeed(os.Stdin, c.Audio.Channels), log}
}

// run reads until ctx ends. A station whose standard input ends goes on: it may have other sources.
func (s stdin) run(ctx context.Context) error {
	if s.feed == nil {
		return nil
	}
	err := s.feed.Run(ctx)
	switch {
	case errors.Is(err, io.EOF):
		s.log.Warn("the standard input has ended: no show can be read from it any more")
	case err != nil:
		s.log.Error("the standard input cannot go on air", "err", err)
	}
	return nil
}
