package capture

import (
	"context"
	"errors"
	"io"

	"broadcastbot/internal/oggopus"
)

// linePortion is how much of a connection is read at once, in bytes: more than comes together of one
// that is read all the time.
const linePortion = 64 << 10

// NewLineFeed returns a feed of the Ogg Opus that comes over a speaker's connections, one after the
// other: see ReadOgg. It has no Run. With keep, the first show has everything from the first
// connection on: nothing more is read until it begins.
func NewLineFeed(keep bool) *Feed {
	f := newFeed()
	f.content = contentOggOpus
	close(f.known)
	if !keep {
		close(f.heard)
	}
	return f
}

// ReadOgg reads what comes over one connection. One goroutine at a time may call it. began gets the
// tags of every link of the chain, before its sound goes to a show. The error says how the connection
// has ended: nil after the mark that ends a stream, io.ErrUnexpectedEOF without it; it wraps one of
// oggopus's where there is no Opus to read, and is in's own otherwise.
func (f *Feed) ReadOgg(in io.Reader, began func(oggopus.Tags)) error {
	f.mu.Lock()
	f.stats.past = f.stats.all
	f.mu.Unlock()
	reader := oggopus.NewReader(f.portionsOf(in, linePortion))
	if err := reader.ReadHead(); err != nil {
		return err
	}
	began(reader.Tags())
	for first := true; ; first = false {
		p, err := f.readOgg(reader)
		if err != nil {
			f.handOn()
			return howEnded(reader, err)
		}
		if p.packet.First && !first {
			began(reader.Tags())
		}
		f.count()
		f.batch = append(f.batch, p)
	}
}

// howEnded is how a stream has ended that was read with this error.
func howEnded(reader *oggopus.Reader, err error) error {
	switch {
	case !errors.Is(err, io.EOF):
		return err
	case reader.Truncated():
		return io.ErrUnexpectedEOF
	}
	return nil
}

// Received returns how many packets ReadOgg has read.
func (f *Feed) Received() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stats.packets
}

func (f *Feed) count() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stats.packets++
}

// Open returns what is said from the first read on, encoded anew.
func (f *Feed) Open(ctx context.Context, o Options) (Source, error) {
	source, err := f.claim(ctx)
	if err != nil {
		return nil, err
	}
	return source.source(o.withDefaults())
}

// waitForNobody says that the first show has begun.
func (f *Feed) waitForNobody() {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.heard:
	default:
		close(f.heard)
	}
}
