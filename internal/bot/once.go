package bot

import (
	"maps"
	"sync"
	"time"
)

// once remembers what was done for whom, so that it is not done again. It forgets what is older than
// keep. Others decide how much there is, so each of them has a bound of their own: whoever sends a
// flood loses nobody's place but their own.
type once[Owner, Key comparable] struct {
	keep time.Duration

	mu   sync.Mutex
	done map[Owner]map[Key]time.Time
}

func newOnce[Owner, Key comparable](keep time.Duration) *once[Owner, Key] {
	return &once[Owner, Key]{keep: keep, done: make(map[Owner]map[Key]time.Time)}
}

// maxDone is how much is remembered for each owner. Whatever of theirs comes then counts as done.
const maxDone = 1000

// add notes that something is done. It returns false if it was done before.
func (o *once[Owner, Key]) add(owner Owner, key Key) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.forgetOld(time.Now())
	done := o.done[owner]
	if _, known := done[key]; known || len(done) >= maxDone {
		return false
	}
	if done == nil {
		done = make(map[Key]time.Time)
		o.done[owner] = done
	}
	done[key] = time.Now()
	return true
}

// forget takes back that something is done.
func (o *once[Owner, Key]) forget(owner Owner, key Key) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.done[owner], key)
}

func (o *once[Owner, Key]) forgetOld(now time.Time) {
	maps.DeleteFunc(o.done, func(_ Owner, done map[Key]time.Time) bool {
		maps.DeleteFunc(done, func(_ Key, at time.Time) bool { return now.Sub(at) > o.keep })
		return len(done) == 0
	})
}
