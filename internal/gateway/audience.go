package gateway

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// shardSize is how many listeners one goroutine serves: enough to make the
// goroutine's own cost vanish, few enough to use every core.
const shardSize = 512

// audience is who follows one recording: its shards.
type audience struct {
	mu     sync.Mutex
	shards []*shard
}

// join gives a listener to a shard with room, or to a new one.
func (g *Gateway) join(rec *recording, l *listener) {
	l.limitBuffer()
	g.traffic.listeners.Add(1)
	a := &rec.crowd
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.shards, func(s *shard) bool { return s.members < shardSize })
	if i < 0 {
		i = len(a.shards)
		a.shards = append(a.shards, newShard(g, rec))
		g.shelf.retain(rec) // until the shard has ended: whoever closes the gateway waits for that
		go a.shards[i].run()
	}
	a.shards[i].invite(l)
}

// dissolve ends a shard that nobody is left in.
func (a *audience) dissolve(s *shard) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s.members > 0 {
		return false
	}
	a.shards = slices.DeleteFunc(a.shards, func(other *shard) bool { return other == s })
	return true
}

// traffic counts what goes through the gateway. Its recordings share it.
type traffic struct {
	listeners atomic.Int64 // who follows now
	dropped   atomic.Int64 // listeners given up because they took nothing
	bytesIn   atomic.Int64
	bytesOut  atomic.Int64
}

const (
	pausePerListener = 50 * time.Microsecond
	longestPause     = 200 * time.Millisecond
)

// pause is the shortest time between two sends to the same listener.
//
// What a crowd costs is decided by the number of sends, not by their size:
// each is 5 to 8 µs of a core. So few listeners get every block at once, 2,000
// get what came in 100 ms, and sending takes a sixth of a core up to where the
// pause would be felt.
func (t *traffic) pause() time.Duration {
	return min(time.Duration(t.listeners.Load())*pausePerListener, longestPause)
}
