// Package turns lets callers that are about the same thing go one after the other.
package turns

import (
	"context"
	"errors"
	"sync"
)

// ErrBusy means that as many as may wait do so already.
var ErrBusy = errors.New("too many wait for the same")

// Turns are taken by key: who has one has it alone. Only keys that somebody has or waits for are
// remembered. The zero value is ready, and lets any number wait.
type Turns[K comparable] struct {
	Most int // who may wait for one key; 0: any number

	mu    sync.Mutex
	byKey map[K]*turn
}

// turn is had by one at a time.
type turn struct {
	taken   chan struct{} // has room for one
	waiting int           // who has it or wants it
}

// Take waits until nobody else has the key's turn, and returns what lets the next one go on. It fails
// with ErrBusy, or with the cause of ctx when that ends before.
func (t *Turns[K]) Take(ctx context.Context, key K) (leave func(), err error) {
	own := t.enter(key)
	if own == nil {
		return nil, ErrBusy
	}
	select {
	case own.taken <- struct{}{}:
		return func() { <-own.taken; t.leave(key, own) }, nil
	case <-ctx.Done():
		t.leave(key, own)
		return nil, context.Cause(ctx)
	}
}

// enter returns the turn of a key; nil: too many want it.
func (t *Turns[K]) enter(key K) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byKey == nil {
		t.byKey = make(map[K]*turn)
	}
	own := t.byKey[key]
	if own == nil {
		own = &turn{taken: make(chan struct{}, 1)}
		t.byKey[key] = own
	}
	if t.Most > 0 && own.waiting > t.Most {
		return nil
	}
	own.waiting++
	return own
}

func (t *Turns[K]) leave(key K, own *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if own.waiting--; own.waiting == 0 {
		delete(t.byKey, key)
	}
}
