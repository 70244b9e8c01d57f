package fanout

import "slices"

// burst is how many chunks a listener who is behind gets before it is another's turn.
const burst = 4

// broadcast sends the bytes from the shard's position to end as one chunk, to all who stand there.
func (s *shard) broadcast(end int64) {
	if !s.frameChunk(s.position, end) {
		s.dropAll()
	}
	total := 0
	s.current = slices.DeleteFunc(s.current, func(l *listener) bool {
		n, err := s.io.write(l.socket, s.frame)
		total += n
		if err != nil {
			s.drop(l)
			return true
		}
		if n < len(s.frame) {
			l.start, l.end, l.sent, l.progress = s.position, end, n, s.now
			s.behind = append(s.behind, l)
			return true
		}
		return false
	})
	s.hub.sent.Add(int64(total))
	s.position = end
}

// frameChunk makes the bytes [start, end) of the feed the shard's frame.
func (s *shard) frameChunk(start, end int64) bool {
	frame, err := appendChunkOf(s.frame[:0], s.feed, start, int(end-start))
	if err != nil {
		s.hub.logUnreadable(s.feed, start, err)
		return false
	}
	s.frame = frame
	return true
}

// catchUp gives those who are behind as much as their sockets take.
func (s *shard) catchUp(finished bool) {
	s.behind = slices.DeleteFunc(s.behind, func(l *listener) bool {
		switch s.serve(l, finished) {
		case upToDate:
			s.current = append(s.current, l)
		case left:
			s.drop(l)
		default:
			return false
		}
		return true
	})
}

// standing is where a listener stands after it was served.
type standing int

const (
	lagging  standing = iota // there is more for it than its socket takes
	upToDate                 // it has all there is
	left                     // it has all there will ever be, or has gone
)

// serve sends some chunks to a listener who is behind. After the last byte of a finished feed comes
// the empty chunk.
func (s *shard) serve(l *listener, finished bool) standing {
	for range burst {
		if l.sent == 0 {
			if l.start == s.position && !finished {
				return upToDate
			}
			l.end = min(l.start+chunkSize, s.position)
		}
		if !s.frameChunk(l.start, l.end) {
			return left
		}
		n, err := s.io.write(l.socket, s.frame[l.sent:])
		s.hub.sent.Add(int64(n))
		if err != nil {
			return left
		}
		l.sent += n
		if n > 0 {
			l.progress = s.now
		}
		if l.sent < len(s.frame) {
			return s.laggingOrStalled(l)
		}
		if l.start == l.end {
			return left
		}
		l.start, l.sent = l.end, 0
	}
	return lagging
}

// laggingOrStalled decides about a listener whose socket is full.
func (s *shard) laggingOrStalled(l *listener) standing {
	if s.now.Sub(l.progress) < s.hub.stall {
		return lagging
	}
	s.hub.dropped.Add(1)
	s.hub.log.Debug("listener dropped: it takes nothing", "recording", s.feed.ID())
	l.discardUnsent()
	return left
}
