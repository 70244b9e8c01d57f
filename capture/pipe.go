package capture

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"broadcastbot/internal/opus"
)

// stdin is the process's standard input, which can be read once. life is that of the
// source that reads it, or did; nil before.
var stdin struct {
	mu   sync.Mutex
	life context.Context
}

// claimStdin gives the standard input to one source, for as long as life has not ended.
func claimStdin(life context.Context) error {
	stdin.mu.Lock()
	defer stdin.mu.Unlock()
	switch {
	case stdin.life == nil:
		stdin.life = life
		return nil
	case stdin.life.Err() == nil:
		return errors.New("another show is reading it: use another source, such as file:talk.opus")
	}
	return errors.New("an earlier show has read it, and it cannot be read twice: " +
		"use another source, or start broadcastbot again with pipe:-")
}

// openPipe opens Options.Stdin. Its sound is not paced: it comes when it comes, and
// every packet is passed on at once.
func openPipe(ctx context.Context, name string, o Options) (Source, error) {
	if name != "-" {
		return nil, fmt.Errorf("pipe:%s: only standard input can be read, as pipe:-; for a file use file:%s", name, name)
	}
	source, err := detach(ctx, func(ctx context.Context) (Source, error) {
		if o.Stdin == os.Stdin {
			if err := claimStdin(ctx); err != nil {
				return nil, err
			}
		}
		if closer, ok := o.Stdin.(io.Closer); ok {
			context.AfterFunc(ctx, func() { closer.Close() })
		}
		return openStream(o.Stdin, o)
	})
	if err != nil {
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	return source, nil
}

func openStream(r io.Reader, o Options) (Source, error) {
	in := bufio.NewReader(r)
	kind, err := sniff(in)
	if err != nil {
		return nil, err
	}
	switch kind {
	case contentNothing:
		return nil, errors.New("it ended before any sound came")
	case contentOggOpus:
		source, err := newCopied(in, nil)
		if err != nil {
			return nil, err
		}
		source.warn(o.Log)
		return source, nil
	case contentWAV:
		header, err := readWAVHeader(in)
		if err != nil {
			return nil, err
		}
		return newEncoded(newWAVSamples(header, in, o.Encoder.Channels), o.Encoder)
	case contentForeign:
		return nil, fmt.Errorf("it is neither Ogg Opus, nor WAV, nor raw samples; decode it first: "+
			"ffmpeg -i INPUT -f s16le -ar %d -ac %d - | broadcastbot …", opus.SampleRate, o.Encoder.Channels)
	}
	return newEncoded(&rawSamples{in: in, channels: o.Encoder.Channels}, o.Encoder)
}
