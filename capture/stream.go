package capture

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/retry"
)

const (
	// firstSound is how long a stream may take until its first sound has come.
	firstSound = 30 * time.Second
	// quietLine is how long no sound may come before the line counts as down.
	quietLine = 5 * time.Second
	// streamSlack is how late a stream may be before the delay is left as it is: what was late is
	// not made up for, so that it is there when the line falters again.
	streamSlack = 500 * time.Millisecond
)

// reconnecting is how often a stream is connected to again.
var reconnecting = retry.Policy{First: 500 * time.Millisecond, Max: 10 * time.Second}

// Stream is sound of any format that comes over a line which can break.
type Stream struct {
	Name string // for the log, and for people
	// Connect opens a connection, which lives as long as ctx does. Its Read returns io.EOF only where
	// the stream has come to its end; after every other error Connect is called again. It returns
	// io.EOF if the stream has ended meanwhile, and an error marked retry.Permanent if it cannot go on.
	Connect func(ctx context.Context) (io.ReadCloser, error)
	Grace   time.Duration // how long there may be no sound before the source ends with ErrLineGone
}

// OpenStream opens a stream as a Source at the pace of real time, once its first sound has come. All its
// connections go through one encoder.
func OpenStream(ctx context.Context, stream Stream, o Options) (Source, error) {
	o = o.withDefaults()
	r := &relay{Stream: stream, options: o, backoff: retry.NewBackoff(reconnecting), recent: newRecent()}
	source, err := openSequence(ctx, r.next, o)
	if err == nil {
		source, err = beginPaced(ctx, &paced{Source: source, fullSpeed: o.FullSpeed, slack: streamSlack})
	}
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", err, stream.Name)
	}
	return &relayed{source, r}, nil
}

// relayed is the Source of a stream.
type relayed struct {
	Source
	relay *relay
}

var _ LineSource = (*relayed)(nil)

func (s *relayed) LineDown() time.Time { return s.relay.lineDown() }
func (s *relayed) Stats() Stats        { return StatsOf(s.Source) }

// relay connects to a stream, again and again.
type relay struct {
	Stream
	options Options
	backoff *retry.Backoff
	recent  *recent
	why     error // why the last connection is over
	heard   atomic.Pointer[time.Time]
	ended   atomic.Bool // the stream has come to its end
}

func (r *relay) lineDown() time.Time {
	heard := r.heard.Load()
	if heard == nil || time.Since(*heard) < quietLine {
		return time.Time{}
	}
	return *heard
}

// next opens a connection, see sequence. A stream that was never heard is not connected to again.
func (r *relay) next(ctx context.Context) (pcmReader, string, error) {
	connect := r.reconnect
	switch heard := r.heard.Load() != nil; {
	case !heard && r.why != nil:
		return nil, "", r.why
	case r.ended.Load():
		return nil, "", io.EOF
	case !heard:
		connect = r.Connect
	}
	line, hangUp := context.WithCancel(ctx)
	body, err := connect(line)
	if err != nil {
		hangUp()
		return nil, "", err
	}
	return &connection{relay: r, line: line, hangUp: hangUp, body: body}, r.Name, nil
}

func (r *relay) reconnect(ctx context.Context) (io.ReadCloser, error) {
	for r.patience() > 0 {
		if err := retry.Sleep(ctx, min(r.backoff.Next(), r.patience())); err != nil {
			return nil, err
		}
		body, err := r.Connect(ctx)
		if err == nil || errors.Is(err, io.EOF) || retry.IsPermanent(err) || ctx.Err() != nil {
			return body, err
		}
		r.options.Log.Warn("not connected again", "stream", r.Name, "err", err)
	}
	return nil, ErrLineGone
}

// patience is for how long there may be no sound from now on.
func (r *relay) patience() time.Duration {
	heard := r.heard.Load()
	if heard == nil {
		return firstSound
	}
	return r.Grace - time.Since(*heard)
}

// connection is a pcmReader of what comes over one connection.
type connection struct {
	*relay
	line   context.Context
	hangUp context.CancelFunc
	body   io.ReadCloser
	pcm    pcmReader // nil: nothing was read yet
}

var errNoSoundComes = errors.New("it sends no sound")

// ReadPCM hangs up where too long no sound comes, whatever else does.
func (c *connection) ReadPCM(ctx context.Context, pcm []int16) (int, error) {
	var late atomic.Bool
	timer := time.AfterFunc(c.patience(), func() { late.Store(true); c.hangUp() })
	defer timer.Stop()
	n, err := c.read(ctx, pcm)
	if n > 0 {
		now := time.Now()
		c.heard.Store(&now)
		c.backoff.Reset()
	}
	if late.Load() {
		err = errNoSoundComes
	}
	if err != nil {
		c.why = err
	}
	return n, err
}

func (c *connection) read(ctx context.Context, pcm []int16) (int, error) {
	if c.pcm == nil {
		decoder, err := c.decode(ending{c.body, &c.ended})
		if err != nil {
			return 0, err
		}
		c.pcm = decoder
	}
	return c.pcm.ReadPCM(ctx, pcm)
}

func (c *connection) Close() error {
	c.hangUp()
	err := c.body.Close()
	if c.pcm != nil {
		err = errors.Join(err, c.pcm.Close())
	}
	return err
}

// ending notes the end of a stream.
type ending struct {
	io.Reader
	seen *atomic.Bool
}

func (e ending) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		e.seen.Store(true)
	}
	return n, err
}

// decode decodes Ogg Opus, and leaves everything else to ffmpeg.
func (c *connection) decode(in io.Reader) (pcmReader, error) {
	buffered := bufio.NewReader(in)
	kind, err := sniff(buffered)
	switch {
	case err != nil:
		return nil, err
	case kind == contentNothing:
		return nil, errNoSound
	case kind != contentOggOpus || isSurround(buffered):
		return pipeFFmpeg(c.line, buffered, c.options)
	}
	reader := oggopus.NewReader(buffered)
	next := c.recent.skipRepeated(func() (oggPacket, error) { return readOgg(reader) })
	return newOpusSamples(c.options.Encoder.Channels, func(context.Context) (oggPacket, error) { return next() })
}

// isSurround looks at the mapping family of an Ogg Opus stream: RFC 7845 5.1, behind the head of a page.
func isSurround(in *bufio.Reader) bool {
	const family = 28 + 18
	head, err := in.Peek(family + 1)
	return err == nil && head[family] != 0
}
