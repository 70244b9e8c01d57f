package capture

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/opus"
)

// feedPortion is how much of a feed is read at once, in bytes. It is as large as a pipe can be, so
// that all that waits in one is known to have come together.
const feedPortion = 1 << 20

// Feed is a stream of sound that goes on whether somebody is on air or not, such as the standard
// input, or what a speaker's program sends. It is read all the time, and what comes while no show
// reads it is dropped: a show has only what was said since its beginning. Shows read it one at a time.
type Feed struct {
	in       io.Reader // what Run reads
	channels int       // of sound that is not Opus

	content content
	known   chan struct{} // closed when content is known
	heard   chan struct{} // closed when nothing has to wait for the first show any more
	ended   chan struct{} // closed when no more comes
	stop    sync.Once     // closes ended

	// For the goroutine that reads alone.
	came  time.Time // when the portion came that was read last
	batch []piece   // that it completed

	mu    sync.Mutex
	stats struct {
		all, past Stats // of all streams, and of those before the one that is read
		packets   int   // that came over a speaker's connections
	}

	err  error // why no more comes, once ended is closed
	show *feedSource
}

// piece is a part of the sound: a packet, or samples.
type piece struct {
	packet  oggPacket
	pcm     []int16
	samples int // per channel at 48 kHz
}

// NewFeed returns a feed of Ogg Opus, WAV, or raw s16le at 48 kHz with this many channels. An
// io.Closer is closed at the end of Run.
func NewFeed(in io.Reader, channels int) *Feed {
	f := newFeed()
	f.in, f.channels = in, channels
	close(f.heard)
	return f
}

func newFeed() *Feed {
	return &Feed{known: make(chan struct{}), heard: make(chan struct{}), ended: make(chan struct{})}
}

// Run reads the stream until it ends or ctx does. It returns why no more sound comes: nil if ctx has
// ended, io.EOF at the end, or a sentence. Where a read cannot be interrupted, it goes on in a
// goroutine until the process ends.
func (f *Feed) Run(ctx context.Context) error {
	go func() { f.End(f.read(ctx)) }()
	select {
	case <-f.ended:
		return f.err
	case <-ctx.Done():
	}
	if closer, ok := f.in.(io.Closer); ok {
		closer.Close()
	}
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	select {
	case <-f.ended:
	case <-timer.C:
		f.End(io.EOF)
	}
	return nil
}

// End notes why no more comes: the show that reads the feed ends in order with io.EOF, and otherwise because
// of err. Only the first call counts.
func (f *Feed) End(err error) {
	f.stop.Do(func() {
		f.mu.Lock()
		f.err = err
		f.mu.Unlock()
		close(f.ended)
	})
}

// read hands pieces on until the stream ends.
func (f *Feed) read(ctx context.Context) error {
	next, err := f.open()
	if err != nil {
		return err
	}
	close(f.known)
	for {
		p, err := next()
		if p.samples > 0 {
			f.batch = append(f.batch, p)
		}
		if err != nil {
			f.handOn()
			return err
		}
		if ctx.Err() != nil {
			return io.EOF
		}
	}
}

// open finds out what the stream is, and returns what takes it apart.
func (f *Feed) open() (next func() (piece, error), err error) {
	in := bufio.NewReader(f.portionsOf(f.in, feedPortion))
	if f.content, err = sniff(in); err != nil {
		return nil, err
	}
	switch f.content {
	case contentNothing:
		return nil, io.EOF
	case contentOggOpus:
		return f.openOgg(in)
	case contentWAV:
		header, err := readWAVHeader(in)
		if err != nil {
			return nil, err
		}
		return f.nextSamples(newWAVSamples(header, in, f.channels)), nil
	case contentForeign:
		return nil, fmt.Errorf("it is neither Ogg Opus, nor WAV, nor raw samples; decode it first: "+
			"ffmpeg -i INPUT -f s16le -ar %d -ac %d - | broadcastbot …", opus.SampleRate, f.channels)
	}
	return f.nextSamples(&rawSamples{in: in, channels: f.channels}), nil
}

func (f *Feed) openOgg(in io.Reader) (next func() (piece, error), err error) {
	reader := oggopus.NewReader(in)
	if err := reader.ReadHead(); err != nil {
		return nil, err
	}
	return func() (piece, error) { return f.readOgg(reader) }, nil
}

// readOgg reads the next packet, and notes what was damaged before it.
func (f *Feed) readOgg(reader *oggopus.Reader) (piece, error) {
	packet, err := readOgg(reader)
	stats := reader.Stats()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stats.all = f.stats.past
	f.stats.all.DamagedBytes += stats.SkippedBytes
	f.stats.all.LostSamples += stats.LostSamples
	return piece{packet: packet, samples: packet.Samples}, err
}

func (f *Feed) nextSamples(pcm pcmReader) func() (piece, error) {
	return func() (piece, error) {
		frame := make([]int16, opus.FrameSize*f.channels)
		n, err := pcm.ReadPCM(context.Background(), frame)
		return piece{pcm: frame[:n], samples: n / f.channels}, err
	}
}

// portions reads what a feed is made of, portion by portion. Before it waits for the next one, it hands on
// what the last one completed.
type portions struct {
	feed   *Feed
	in     io.Reader
	last   []byte // the whole portion
	unread []byte // the rest of it
}

func (f *Feed) portionsOf(in io.Reader, size int) *portions {
	return &portions{feed: f, in: in, last: make([]byte, size)}
}

func (p *portions) Read(b []byte) (int, error) {
	if len(p.unread) == 0 {
		p.feed.handOn()
		n, err := p.in.Read(p.last)
		if n == 0 {
			return 0, err
		}
		p.feed.came, p.unread = time.Now(), p.last[:n]
	}
	n := copy(b, p.unread)
	p.unread = p.unread[n:]
	return n, nil
}

// handOn gives the batch to the show that runs, and waits until that has taken it.
func (f *Feed) handOn() {
	if len(f.batch) == 0 {
		return
	}
	select {
	case <-f.heard:
	case <-f.ended:
	}
	f.mu.Lock()
	show := f.show
	f.mu.Unlock()
	if show != nil {
		show.take(f.batch, f.came)
	}
	clear(f.batch)
	f.batch = f.batch[:0]
}

var errFeedEnded = errors.New("it has ended: use another source, or start broadcastbot again with pipe:-")

// claim gives the feed to one show, once it is known what it is.
func (f *Feed) claim(ctx context.Context) (*feedSource, error) {
	select {
	case <-f.known:
	case <-f.ended:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case errors.Is(f.err, io.EOF):
		return nil, errFeedEnded
	case f.err != nil:
		return nil, f.err
	case f.show != nil:
		return nil, errors.New("another show is reading it: use another source, such as file:talk.opus")
	}
	f.show = newFeedSource(ctx, f)
	return f.show, nil
}

// release takes the feed back from a show.
func (f *Feed) release(show *feedSource) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.show == show {
		f.show = nil
	}
}
