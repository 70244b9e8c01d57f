package bot

import (
	"maps"
	"sync"
	"time"
)

// once remembers what was done, so that it is not done again. It forgets what is older than keep,
// and its size is bounded, because others decide how much there is.
type once[K comparable] struct {
	keep time.Duration

	mu   sync.Mutex
	done map[K]time.Time
}

func newOnce[K comparable](keep time.Duration) *once[K] {
	return &once[K]{keep: keep, done: make(map[K]time.Time)}
}

// maxDone is how much a once remembers. Whatever comes when it is full counts as done.
const maxDone = 10_000

// add notes that something is done. It returns false if it was done before.
func (o *once[K]) add(key K) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(o.done, func(_ K, at time.Time) bool { return now.Sub(at) > o.keep })
	if _, known := o.done[key]; known || len(o.done) >= maxDone {
		return false
	}
	o.done[key] = now
	return true
}
