package gateway

import (
	"slices"
	"time"
)

// retryEvery is how often a listener is tried whose socket was full.
const retryEvery = 100 * time.Millisecond

// shard sends the live tail of one recording to many listeners from a single
// goroutine: new bytes are read once and framed once, and no write waits.
type shard struct {
	g   *Gateway
	rec *recording

	// The audience's lock guards these.
	members  int
	arrivals []*listener

	arrived chan struct{} // has a value when there are arrivals

	position int64       // all of current have the bytes before it
	current  []*listener // get the next bytes as soon as they are there
	behind   []*listener // get theirs as their sockets have room
	frame    []byte
	call     *call
	now      time.Time // when the present round began
	swept    time.Time
	timer    *time.Timer
}

func newShard(g *Gateway, rec *recording) *shard {
	return &shard{g: g, rec: rec, arrived: make(chan struct{}, 1), call: newCall()}
}

// invite adds a listener, who has the bytes before l.start. With the
// audience's lock.
func (s *shard) invite(l *listener) {
	s.members++
	s.arrivals = append(s.arrivals, l)
	select {
	case s.arrived <- struct{}{}:
	default:
	}
}

// run serves the shard's listeners until the last of them has left.
func (s *shard) run() {
	defer s.g.shelf.release(s.rec)
	s.timer = time.NewTimer(s.patience())
	defer s.timer.Stop()
	s.position = s.rec.Size()
	s.swept = time.Now()
	for {
		changed := s.rec.Changed()
		s.now = time.Now()
		s.admit()
		if s.rec.ctx.Err() != nil {
			s.dropAll()
		} else {
			s.round(s.rec.extent()) // asked after admitting: nobody here is ahead of that
		}
		if s.rec.crowd.dissolve(s) {
			return
		}
		s.wait(changed)
	}
}

// admit takes in who has arrived. They count as behind until they have been
// looked at: the edge may have moved since they were sent what there was.
func (s *shard) admit() {
	s.rec.crowd.mu.Lock()
	defer s.rec.crowd.mu.Unlock()
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
	if s.now.Sub(s.swept) >= s.g.sweepEvery() {
		s.sweep()
	}
}

// sweep finds those who have closed their connection, which otherwise only a
// write shows: in a pause there is none. What they send is ignored.
func (s *shard) sweep() {
	var ignored [64]byte
	gone := func(l *listener) bool {
		_, err := s.call.receive(l.socket, ignored[:])
		if err != nil {
			s.drop(l)
		}
		return err != nil
	}
	s.current = slices.DeleteFunc(s.current, gone)
	s.behind = slices.DeleteFunc(s.behind, gone)
	s.swept = s.now
}

// dropAll cuts everybody's connection: without the chunk that ends the body,
// so that nobody takes this for the end of the show.
func (s *shard) dropAll() {
	for _, l := range slices.Concat(s.current, s.behind) {
		s.drop(l)
	}
	s.current, s.behind = nil, nil
}

func (s *shard) drop(l *listener) {
	l.conn.Close()
	s.g.traffic.listeners.Add(-1)
	s.rec.crowd.mu.Lock()
	s.members--
	s.rec.crowd.mu.Unlock()
}

// wait returns when there may be something to do: not before the crowd's pause
// since the last round is over.
func (s *shard) wait(changed <-chan struct{}) {
	if rest := s.g.traffic.pause() - time.Since(s.now); rest >= time.Millisecond {
		s.timer.Reset(rest)
		select {
		case <-s.timer.C:
		case <-s.rec.ctx.Done():
			return
		}
	}
	s.timer.Reset(s.patience())
	select {
	case <-changed:
	case <-s.arrived:
	case <-s.timer.C:
	case <-s.rec.ctx.Done():
	}
}

// patience is how long nothing may happen until the next look at everybody.
// Sockets that have room again do not wake a shard: it is not worth a poller
// for the few who are behind.
func (s *shard) patience() time.Duration {
	if len(s.behind) > 0 {
		return min(retryEvery, s.g.sweepEvery())
	}
	return s.g.sweepEvery()
}

// sweepEvery is how often those are looked for who left without a word.
func (g *Gateway) sweepEvery() time.Duration { return g.stall / 6 }
