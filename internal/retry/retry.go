// Package retry repeats what may fail for a while: with delays that grow, are limited and partly
// random, until it works, until the error says that repeating cannot help, or until the context ends.
package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

// Policy says how often and at which intervals something is tried.
type Policy struct {
	First    time.Duration // longest delay after the first failure; doubled with each further one
	Max      time.Duration // longest delay of all
	Attempts int           // how many times at most; 0: no limit
}

// Do calls op until it returns nil. It gives up, with op's error, where permanent says that
// repeating cannot help or the attempts are used up; and with the cause of ctx as soon as that ends.
// Before each delay it calls onRetry. Both functions may be nil: no error is permanent, nobody is told.
func Do(ctx context.Context, policy Policy, op func(context.Context) error, permanent func(error) bool, onRetry func(err error, delay time.Duration)) error {
	return NewBackoff(policy).Do(ctx, op, permanent, onRetry)
}

// Backoff is the state of one repetition. It is not safe for use by several goroutines.
type Backoff struct {
	policy Policy
	delay  time.Duration // the longest that the last delay could be; 0: there was none
	failed int           // attempts since the last progress
}

// NewBackoff returns a Backoff that stands at its beginning.
func NewBackoff(policy Policy) *Backoff { return &Backoff{policy: policy} }

// Reset goes back to the beginning. An operation calls it that came forward before it failed.
func (b *Backoff) Reset() { b.delay, b.failed = 0, 0 }

// Next returns the next delay. Half of it is random, so that many who lost the same server do not
// come back to it at the same moment.
func (b *Backoff) Next() time.Duration {
	if b.delay = 2 * b.delay; b.delay == 0 {
		b.delay = b.policy.First
	}
	b.delay = min(b.delay, b.policy.Max)
	return b.delay/2 + rand.N(b.delay/2+1)
}

// Do is like the function Do, for an operation that calls Reset.
func (b *Backoff) Do(ctx context.Context, op func(context.Context) error, permanent func(error) bool, onRetry func(err error, delay time.Duration)) error {
	for {
		err := op(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		b.failed++
		if b.failed == b.policy.Attempts || permanent != nil && permanent(err) {
			return err
		}
		delay := b.Next()
		if onRetry != nil {
			onRetry(err, delay)
		}
		if err := Sleep(ctx, delay); err != nil {
			return err
		}
	}
}

// Sleep waits for d or until ctx ends, whose cause it returns.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
