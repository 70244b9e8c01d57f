package bot

import (
	"maps"
	"sync"
	"time"
)

// once remembers what was said to whom, so that it is not said again. It forgets what is older than
// keep. Others decide how much there is, so each of them has a bound of their own: whoever sends a
// flood loses nobody's place but their own.
type once struct {
	keep time.Duration

	mu   sync.Mutex
	done map[string]map[string]time.Time
}

func newOnce(keep time.Duration) *once {
	return &once{keep: keep, done: make(map[string]map[string]time.Time)}
}

// maxDone is how much is remembered for each owner. Whatever of theirs comes then counts as done.
const maxDone = 1000

// add notes that something is done. It returns false if it was done before.
func (o *once) add(owner, key string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.forgetOld(time.Now())
	done := o.done[owner]
	if _, known := done[key]; known || len(done) >= maxDone {
		return false
	}
	if done == nil {
		done = make(map[string]time.Time)
		o.done[owner] = done
	}
	done[key] = time.Now()
	return true
}

// forget takes back that something is done.
func (o *once) forget(owner, key string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.done[owner], key)
}

func (o *once) forgetOld(now time.Time) {
	maps.DeleteFunc(o.done, func(_ string, done map[string]time.Time) bool {
		maps.DeleteFunc(done, func(_ string, at time.Time) bool { return now.Sub(at) > o.keep })
		return len(done) == 0
	})
}
