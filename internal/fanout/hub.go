// Package fanout sends growing files to thousands of listeners at once.
//
// Whoever still reads what exists is served by a goroutine of their own. Whoever has reached the
// end of a file that grows joins its audience: there one goroutine, a shard, sends each new piece
// to hundreds of connections, and no write waits.
//
//	follow.go              from the history to the live tail
//	hub.go                 audiences, and what they cost
//	shard.go, deliver.go   one goroutine and its listeners
//	listener.go, socket_*  one connection, written to without waiting
//	chunk.go               the framing of HTTP/1.1, which connections that were taken over need
package fanout

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Feed is a file that listeners follow: it grows until it is finished. It must be comparable,
// because a hub finds its audience by it.
type Feed interface {
	io.ReaderAt
	Extent() (size int64, finished bool) // bytes that can be read, and whether more will come
	Changed() <-chan struct{}            // closed at the next change of Extent; to be taken before looking at it
	Context() context.Context            // ends when nobody may read on
	Retain()                             // keeps the file open for one more who reads it
	Release()                            // ends what Retain began
	ID() string                          // for the log
}

// Hub serves the listeners of all feeds, which share one machine. Make one with [New].
type Hub struct {
	stall time.Duration
	log   *slog.Logger

	listeners, dropped, sent atomic.Int64

	mu        sync.Mutex
	audiences map[Feed][]*shard // who has joined, in shards
	following map[string]int    // how many follow each feed, by its id
}

// New returns a hub. It drops a listener who takes nothing for as long as stall, or, while they get
// what they missed, not a whole chunk. New starts no goroutine.
func New(stall time.Duration, log *slog.Logger) *Hub {
	return &Hub{stall: stall, log: log, audiences: make(map[Feed][]*shard), following: make(map[string]int)}
}

// Stats is what a hub is doing, and has done since it was made.
type Stats struct {
	Listeners int64 // who follow a growing file now
	Dropped   int64 // listeners given up because they took nothing for too long
	Bytes     int64 // sent, framing included
}

// Stats returns the present numbers.
func (h *Hub) Stats() Stats {
	return Stats{Listeners: h.listeners.Load(), Dropped: h.dropped.Load(), Bytes: h.sent.Load()}
}

// Listeners returns how many follow the feed with this id now.
func (h *Hub) Listeners(id string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.following[id]
}

// count counts listeners who come, or, with a negative number, go. The caller holds the hub's lock.
func (h *Hub) count(feed Feed, n int) {
	h.listeners.Add(int64(n))
	id := feed.ID()
	if h.following[id] += n; h.following[id] == 0 {
		delete(h.following, id)
	}
}

// countAlone is count for who does not hold the lock.
func (h *Hub) countAlone(feed Feed, n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count(feed, n)
}

// shardSize is how many listeners one goroutine serves: enough to make the goroutine's own cost
// vanish, few enough to use every core.
const shardSize = 512

// join adds a listener to the feed's audience, in a shard with room or in a new one.
func (h *Hub) join(feed Feed, l *listener) {
	l.limitBuffer()
	h.mu.Lock()
	defer h.mu.Unlock()
	shards := h.audiences[feed]
	i := slices.IndexFunc(shards, func(s *shard) bool { return s.members < shardSize })
	if i < 0 {
		i = len(shards)
		shards = append(shards, newShard(h, feed))
		h.audiences[feed] = shards
		feed.Retain() // until the shard has ended
		go shards[i].run()
	}
	shards[i].add(l)
}

// end reports whether the shard has no listeners left, and takes it out of its audience then.
func (h *Hub) end(s *shard) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.members > 0 {
		return false
	}
	rest := slices.DeleteFunc(h.audiences[s.feed], func(other *shard) bool { return other == s })
	if h.audiences[s.feed] = rest; len(rest) == 0 {
		delete(h.audiences, s.feed)
	}
	return true
}

const (
	pausePerListener = 50 * time.Microsecond
	longestPause     = 200 * time.Millisecond
)

// pause is the shortest time between two sends to the same listener.
//
// What an audience costs is decided by the number of sends, not by their size: each is 5 to 8 µs of
// a core. Therefore a few listeners get every block at once, while 2,000 get what came in 100 ms.
// So sending takes a sixth of a core with up to 4,000 listeners. With more the pause stays the same,
// because a longer one would be felt.
func (h *Hub) pause() time.Duration {
	return min(time.Duration(h.listeners.Load())*pausePerListener, longestPause)
}

// sweepEvery is how often a shard looks for listeners who have closed their connection.
func (h *Hub) sweepEvery() time.Duration { return h.stall / 6 }
