package fanout

import (
	"slices"
	"time"
)

// retryEvery is how often a listener is tried whose socket was full.
const retryEvery = 100 * time.Millisecond

// shard sends the live tail of one feed to many listeners from a single goroutine: new bytes are
// read once and framed once, and no write waits.
type shard struct {
	hub  *Hub
	feed Feed

	// The hub's lock guards these.
	members  int
	arrivals []*listener

	arrived chan struct{} // has a value when there are arrivals

	position int64       // all of current have the bytes before it
	current  []*listener // get the next bytes as soon as they are there
	behind   []*listener // get theirs as their sockets have room
	frame    []byte
	io       *nonblocking
	now      time.Time // when the present round began
	swept    time.Time
	timer    *time.Timer
}

func newShard(h *Hub, feed Feed) *shard {
	return &shard{hub: h, feed: feed, arrived: make(chan struct{}, 1), io: newNonblocking()}
}

// add makes a listener, who has the bytes before l.start, a member. The caller holds the hub's
// lock.
func (s *shard) add(l *listener) {
	s.members++
	s.arrivals = append(s.arrivals, l)
	select {
	case s.arrived <- struct{}{}:
	default:
	}
}

// run serves the shard's listeners until the last of them has left.
func (s *shard) run() {
	defer s.feed.Release()
	s.timer = time.NewTimer(s.checkEvery())
	defer s.timer.Stop()
	s.position, _ = s.feed.Extent()
	s.swept = time.Now()
	for {
		changed := s.feed.Changed()
		s.now = time.Now()
		s.admit()
		if s.feed.Context().Err() != nil {
			s.dropAll()
		} else {
			s.round(s.feed.Extent()) // asked after admitting: nobody here is ahead of that
		}
		if s.hub.end(s) {
			return
		}
		s.wait(changed)
	}
}

// admit puts those who have arrived among those who are behind, until they have been looked at: the
// edge may have moved since they were sent what there was.
func (s *shard) admit() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	for _, l := range s.arrivals {
		l.progress = s.now
		s.behind = append(s.behind, l)
	}
	s.arrivals = nil
}

// round sends what is there to send, to everybody.
func (s *shard) round(size int64, finished bool) {
	for s.position < size {
		s.broadcast(min(s.position+chunkSize, size))
	}
	if finished {
		s.behind = append(s.behind, s.current...) // they lack the chunk that ends the body
		for _, l := range s.current {
			l.start, l.progress = s.position, s.now
		}
		s.current = nil
	}
	s.catchUp(finished)
	if s.now.Sub(s.swept) >= s.hub.sweepEvery() {
		s.sweep()
	}
}

// sweep finds listeners who have closed their connection. Otherwise only a write would show that,
// and in a pause nothing is written. What listeners send is ignored.
func (s *shard) sweep() {
	var ignored [64]byte
	gone := func(l *listener) bool {
		_, err := s.io.read(l.socket, ignored[:])
		if err != nil {
			s.drop(l)
		}
		return err != nil
	}
	s.current = slices.DeleteFunc(s.current, gone)
	s.behind = slices.DeleteFunc(s.behind, gone)
	s.swept = s.now
}

// dropAll cuts everybody's connection without the chunk that ends the body, so that nobody takes
// this for the end of the show.
func (s *shard) dropAll() {
	for _, l := range slices.Concat(s.current, s.behind) {
		s.drop(l)
	}
	s.current, s.behind = nil, nil
}

func (s *shard) drop(l *listener) {
	l.conn.Close()
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.members--
	s.hub.count(s.feed, -1)
}

// wait returns when there may be something to do, but not before the hub's pause since the last
// round is over.
func (s *shard) wait(changed <-chan struct{}) {
	ended := s.feed.Context().Done()
	if rest := s.hub.pause() - time.Since(s.now); rest >= time.Millisecond {
		s.timer.Reset(rest)
		select {
		case <-s.timer.C:
		case <-ended:
			return
		}
	}
	s.timer.Reset(s.checkEvery())
	select {
	case <-changed:
	case <-s.arrived:
	case <-s.timer.C:
	case <-ended:
	}
}

// checkEvery is how long a shard waits when nothing happens. A socket that has room again does not
// wake it: the few listeners who are behind are not worth a poller.
func (s *shard) checkEvery() time.Duration {
	if len(s.behind) > 0 {
		return min(retryEvery, s.hub.sweepEvery())
	}
	return s.hub.sweepEvery()
}
