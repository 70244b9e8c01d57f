package capture

import (
	"context"
	"sync/atomic"
	"time"

	"broadcastbot/internal/opus"
)

// fastest is how much faster than ours the clock of who speaks may be: 1/1000.
const fastest = 1000

// feedSource is what one show reads of a feed: the packets of an Ogg Opus stream, or, as a pcmReader,
// any other sound. Its sound begins with the first read: until then, the show is being
// prepared and nobody has been told of it.
type feedSource struct {
	feed   *Feed
	before Stats // of the feed, when the show claimed it
	pieces chan piece
	life   context.Context
	end    context.CancelFunc
	rest   []int16 // of the piece before

	begun atomic.Pointer[time.Time] // when the first read began
	all   bool                      // everything is of the show: it was kept for it
	taken int64                     // samples that were taken since; for the goroutine of the feed
	fresh bool                      // no whole piece has come since; for the goroutine of the feed
}

// newFeedSource is called with the lock of the feed.
func newFeedSource(ctx context.Context, f *Feed) *feedSource {
	s := &feedSource{
		feed: f, before: f.stats.all, pieces: make(chan piece), fresh: true,
	}
	select {
	case <-f.heard:
	default:
		s.all = true
	}
	s.life, s.end = context.WithCancel(ctx)
	context.AfterFunc(s.life, func() { f.release(s) })
	return s
}

// take hands a batch that came at a time to the show, without what was said before it.
func (s *feedSource) take(batch []piece, came time.Time) {
	begun := s.begun.Load()
	if begun == nil || len(batch) == 0 {
		return
	}
	for _, p := range batch[s.firstSince(batch, came.Sub(*begun)):] {
		select {
		case s.pieces <- p:
		case <-s.life.Done():
			return
		case <-s.feed.ended:
			return
		}
		s.taken += int64(p.samples)
	}
}

// firstSince returns the index of the first piece of a batch that was said since the show began, if
// the batch came so much later. What comes was said before it came, and one piece after the other: so
// counted from the end of the batch, only as much as the time that went by is of the show, however late
// a line that falters brings the rest. The very first piece may have begun before it.
func (s *feedSource) firstSince(batch []piece, later time.Duration) int {
	if s.all {
		return 0
	}
	least := 0
	if s.fresh {
		least = 1
	}
	if later < 0 {
		return len(batch)
	}
	s.fresh = false
	later += later / fastest
	first := len(batch)
	for room := opus.Samples(later) - s.taken; first > least; first-- {
		if room -= int64(batch[first-1].samples); room < 0 {
			break
		}
	}
	return first
}

// next waits for the next piece.
func (s *feedSource) next(ctx context.Context) (piece, error) {
	if s.begun.Load() == nil {
		now := time.Now()
		s.begun.Store(&now)
		s.feed.waitForNobody()
	}
	select {
	case p := <-s.pieces:
		return p, nil
	case <-s.feed.ended:
		return piece{}, s.feed.err
	case <-s.life.Done():
		return piece{}, s.life.Err()
	case <-ctx.Done():
		return piece{}, ctx.Err()
	}
}

func (s *feedSource) nextOgg(ctx context.Context) (oggPacket, error) {
	p, err := s.next(ctx)
	return p.packet, err
}

func (s *feedSource) ReadPCM(ctx context.Context, pcm []int16) (int, error) {
	n := 0
	for n < len(pcm) {
		if len(s.rest) == 0 {
			p, err := s.next(ctx)
			if err != nil {
				return n, err
			}
			s.rest = p.pcm
		}
		copied := copy(pcm[n:], s.rest)
		n, s.rest = n+copied, s.rest[copied:]
	}
	return n, nil
}

// Stats counts since the show claimed the feed.
func (s *feedSource) Stats() Stats {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	now := s.feed.stats.all
	return Stats{
		DamagedBytes: now.DamagedBytes - s.before.DamagedBytes,
		LostSamples:  now.LostSamples - s.before.LostSamples,
	}
}

// Close gives the feed back.
func (s *feedSource) Close() error {
	s.end()
	s.feed.release(s)
	return nil
}
