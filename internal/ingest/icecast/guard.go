package icecast

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"broadcastbot/internal/retry"
	"broadcastbot/internal/turns"
	"broadcastbot/store"
)

const (
	firstDelay   = 250 * time.Millisecond // after the first wrong password
	longestDelay = 10 * time.Second
	// perDoubling is how many wrong passwords for a mount, from wherever they come, double the delay.
	perDoubling = 8
	// forgiven is how long ago a wrong password has to be to count no more.
	forgiven = 15 * time.Minute
	// maxWaiting is how many may wait for the same mount at the same address.
	maxWaiting = 8
	// maxRemembered is how many addresses and mounts are remembered.
	maxRemembered = 1 << 14
)

// guard slows those who guess passwords. After a wrong one the same address can try the same mount
// again only when its answer is there, and that takes the longer, the more wrong ones came from the
// address and for the mount. Whoever comes from elsewhere with the right one waits for nobody.
type guard struct {
	turns turns.Turns[string] // by address and mount

	mu       sync.Mutex
	failures map[string]failures // by address, and by mount
}

// failures are the wrong passwords of an address, or for a mount.
type failures struct {
	n    int
	last time.Time
}

func newGuard() *guard {
	return &guard{failures: make(map[string]failures), turns: turns.Turns[string]{Most: maxWaiting}}
}

// try returns what check returns, a wrong password later than that; or turns.ErrBusy if too many are
// tried at one address. An address may be unknown, "": all such have one queue.
func (g *guard) try(ctx context.Context, address, mount string, check func() error) error {
	leave, err := g.turns.Take(ctx, address+" "+mount)
	if err != nil {
		return err
	}
	defer leave()
	err = check()
	if errors.Is(err, store.ErrWrongPassword) {
		retry.Sleep(ctx, g.fail(address, mount))
	}
	return err
}

// fail counts a wrong password and returns how long its answer has to wait.
func (g *guard) fail(address, mount string) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	doublings := (g.count("mount "+mount) - 1) / perDoubling
	if address != "" {
		doublings = max(doublings, g.count("address "+address)-1)
	}
	return min(firstDelay<<min(doublings, 10), longestDelay)
}

// count counts one more for a key, and returns how many there are. When it remembers too much, it
// forgets one that has failed least: mounts that are made up to fill it make room for each other.
func (g *guard) count(key string) int {
	now := time.Now()
	f := g.failures[key]
	if now.Sub(f.last) > forgiven {
		f.n = 0
	}
	if _, known := g.failures[key]; !known && len(g.failures) >= maxRemembered {
		g.forget()
	}
	f.n, f.last = f.n+1, now
	g.failures[key] = f
	return f.n
}

// forget forgets one that has failed least.
func (g *guard) forget() {
	var least string
	fewest := math.MaxInt
	for key, f := range g.failures {
		if f.n < fewest {
			least, fewest = key, f.n
		}
		if fewest == 1 {
			break
		}
	}
	delete(g.failures, least)
}
