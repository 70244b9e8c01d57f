package capture

import (
	"context"
	"errors"
	"fmt"
)

// openPipe opens Options.Stdin from now on. Its sound is not paced: it comes when it comes, and every
// packet is passed on at once.
func openPipe(ctx context.Context, name string, o Options) (Source, error) {
	if name != "-" {
		return nil, fmt.Errorf("pipe:%s: only standard input can be read, as pipe:-; for a file use file:%s", name, name)
	}
	if o.Stdin == nil {
		return nil, errors.New("the standard input is not read: pipe:- has to be the station's own source")
	}
	feed, err := o.Stdin.claim(ctx)
	if err != nil {
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	return feed.source(o)
}

// source encodes the sound, also that of Opus: nobody knows beforehand how large the largest packet will
// be, and what the streams of a chain are like.
func (s *feedSource) source(o Options) (Source, error) {
	if s.feed.content != contentOggOpus {
		return newEncoded(s, o.Encoder)
	}
	samples, err := newOpusSamples(o.Encoder.Channels, s.nextOgg)
	if err != nil {
		s.Close()
		return nil, err
	}
	samples.closer, samples.stats = s, s.Stats
	return newEncoded(samples, o.Encoder)
}
