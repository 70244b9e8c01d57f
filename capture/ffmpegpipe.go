package capture

import (
	"context"
	"fmt"
	"io"
)

// pipedFFmpeg decodes what we write to its standard input: it has no line to the network of its own.
type pipedFFmpeg struct {
	*ffmpeg
	written chan struct{} // closed when nothing more is written
}

// pipeFFmpeg decodes a stream. Reads of in have to end before Close does.
func pipeFFmpeg(ctx context.Context, in io.Reader, o Options) (*pipedFFmpeg, error) {
	f, err := newFFmpeg(ctx)
	if err != nil {
		return nil, err
	}
	// Half a second is enough to find out what it is; by itself ffmpeg waits for five.
	f.setArguments("pipe", "0", o.Encoder.Channels, "-probesize", "1000000", "-analyzeduration", "500000")
	stdin, err := f.cmd.StdinPipe()
	if err == nil {
		err = f.start(o)
	}
	if err != nil {
		f.kill()
		return nil, fmt.Errorf("start ffmpeg: %w", withoutPath(err))
	}
	p := &pipedFFmpeg{f, make(chan struct{})}
	go func() {
		defer close(p.written)
		defer stdin.Close()
		io.Copy(stdin, in) // in knows why it ended, and ffmpeg why it took no more
	}()
	return p, nil
}

func (p *pipedFFmpeg) Close() error {
	err := p.ffmpeg.Close()
	<-p.written
	return err
}
