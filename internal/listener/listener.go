// Package listener fetches a show, live or finished, authenticates every block of
// it and yields its packets. (A show that is not encrypted cannot be authenticated;
// it is only checked for damage.)
//
// A [Stream] reconnects by itself at its own offset, so a broken line costs time
// but neither loses nor repeats a packet. After a block that was refused it yields
// nothing more.
package listener

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"broadcastbot/internal/link"
	"broadcastbot/internal/opus"
	"broadcastbot/opusblocks"
)

// Options say how to listen. The zero value is fine.
type Options struct {
	Client *http.Client // without a timeout, because a show takes hours
	Log    *slog.Logger // nil discards

	// Waiting is called if Open has to wait for the first sound of a signed show, nil: nothing is.
	Waiting func()
}

// Stream is a show as one listener hears it. It is not safe for use by
// several goroutines, except that Position and Edge may be called while another
// one reads or seeks.
type Stream struct {
	ctx    context.Context // of all requests
	fetch  fetcher
	reader *opusblocks.Reader
	seeker *opusblocks.Seeker
	head   opusblocks.Head
	plain  bool // not encrypted
	log    *slog.Logger

	body     *part
	rejoined bool // the line broke, and nothing that came since proves that it goes on as before
	block    opusblocks.Block
	given    int   // packets of block that ReadPacket has returned
	discard  int   // samples to throw away, from the next packet on
	skipTo   int64 // bytes: what stands before, by its middle, is read only for its checkpoint

	progress
	proof
}

// progress is what Position and Edge read while another goroutine reads or seeks.
type progress struct {
	mu       sync.Mutex
	sample   int64 // before the next packet
	latest   mark  // behind the block read last
	rate     mark  // a number of bytes, and how many samples they hold
	farthest int64 // end of the latest sound ever seen

	clock      *opusblocks.Checkpoint // from which time is counted; nil: none
	proofDelay time.Duration          // from its time until it was read
}

// mark is a place between two blocks, or the distance between two places.
type mark struct{ offset, sample int64 }

// firstRequest is how many bytes the first request asks for: block 0, which is
// never larger than this, and some blocks of sound, from whose size every later
// seek is computed.
const firstRequest = opusblocks.HeadSize + 8<<10

var errNoKey = errors.New("the link has no key: copy all of it, with the part behind the # (and quote it in a shell)")

// Open fetches block 0, which proves that the key is right if there is one. If the link
// names a signer it reads on to the first checkpoint, which proves what block 0 says, and
// waits for it where nobody has spoken yet. The first packet is then the first of the show.
// The stream lives as long as ctx.
func Open(ctx context.Context, show link.Link, o Options) (*Stream, error) {
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Stream{
		ctx:   ctx,
		fetch: fetcher{client: o.Client, url: show.StreamURL()},
		plain: show.Plain,
		log:   o.Log,
	}
	raw, total, err := s.fetch.first(ctx, firstRequest)
	if err != nil {
		return nil, fmt.Errorf("open the show: %w", err)
	}
	s.reader = show.NewReader(bytes.NewReader(raw))
	s.head, err = s.reader.Head()
	if show.Plain && errors.Is(err, opusblocks.ErrNotBlocks) {
		return nil, errNoKey
	}
	if err != nil {
		return nil, fmt.Errorf("open the show: %w", err)
	}
	s.proof = proof{signed: show.Signer != nil, want: show.SHA256}
	if s.proof.want != nil {
		s.proof.hash = newFileHash(raw[:s.reader.FirstBlock()])
	}
	s.reader.Continue(nil) // the sound comes over a connection of its own
	s.seeker = opusblocks.NewSeeker(s.reader, s.reopen)
	s.seeker.Table, s.seeker.Size = show.Seek, max(0, total)
	if err := (beginning{s, show.NewReader(bytes.NewReader(raw))}).read(o.Waiting); err != nil {
		return nil, err
	}
	s.discard = s.head.PreSkip
	return s, nil
}

// Head returns what block 0 says of the show.
func (s *Stream) Head() opusblocks.Head { return s.head }

// Plain reports whether the show is not encrypted: then nothing is authenticated.
func (s *Stream) Plain() bool { return s.plain }

// Close ends the listening.
func (s *Stream) Close() error {
	s.disconnect()
	return nil
}

// ReadPacket returns the next packet, which the caller owns. On a live show it
// waits for it. After the end it returns io.EOF. A recording without an end, because
// the show was cut off, ends with ErrCutOff.
func (s *Stream) ReadPacket() ([]byte, error) {
	for s.given == len(s.block.Packets) {
		block, err := s.readRetrying(func() (opusblocks.Block, error) { return s.nextBlock(s.reader) })
		if err == io.EOF {
			err = cmp.Or(s.proof.checkEnd(s.reader.Position().Offset), io.EOF)
		}
		if err != nil {
			return nil, err
		}
		s.useBlock(block)
		if !block.Last && (block.Offset+int64(block.Size)/2 < s.skipTo || !s.reader.IsCovered()) {
			s.given = len(block.Packets)
		}
	}
	packet := bytes.Clone(s.block.Packets[s.given])
	s.given++
	samples, err := opus.PacketDuration(packet)
	if err != nil {
		return nil, err // not reached: the reader has checked it
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sample += int64(samples)
	return packet, nil
}

// Discard returns how many samples at the beginning of what comes next are not
// to be heard: the pre-skip of the show, or the pre-roll after a seek.
func (s *Stream) Discard() int { return s.discard }

// EndTrim returns, after io.EOF, how many samples of the last packets are not
// to be heard.
func (s *Stream) EndTrim() int { return int(s.sample - s.block.End) }

// useBlock makes block the one whose packets ReadPacket returns next.
func (s *Stream) useBlock(block opusblocks.Block) {
	s.seeker.Learn(block)
	s.proof.hash.add(block.Offset, block.Raw)
	s.block, s.given = block, 0
	s.proof.note(block)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noteClock(clockOf(s.reader))
	s.sample = block.Start
	s.latest = mark{block.Offset + int64(block.Size), block.End}
	s.rate.offset, s.rate.sample = s.seeker.Rate()
	s.farthest = max(s.farthest, block.End)
}

// Position returns how much of the show is before the next packet.
func (s *Stream) Position() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.time(s.sample)
}

// time converts a sample of the file into a moment of the show.
func (s *Stream) time(sample int64) time.Duration {
	return opus.Duration(max(0, sample-int64(s.head.PreSkip)))
}

// Edge asks how much of the show there is now, and whether that is all. On a
// live show, Edge less Position is how far the listener is behind.
func (s *Stream) Edge(ctx context.Context) (edge time.Duration, finished bool, err error) {
	size, finished, err := s.fetch.edge(ctx)
	if err != nil {
		return 0, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	edge = s.time(s.latest.sample)
	if ahead := size - s.latest.offset; ahead > 0 && s.rate.offset > 0 {
		edge = s.time(s.latest.sample + ahead*s.rate.sample/s.rate.offset)
	}
	return edge, finished, nil
}
