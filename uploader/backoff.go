package uploader

import (
	"context"
	"math/rand/v2"
	"time"
)

// Delays between attempts: doubled each time, half of each is random so that
// many senders do not come back to a restarted gateway at the same moment.
const (
	firstDelay = 200 * time.Millisecond
	maxDelay   = 15 * time.Second
)

type backoff struct{ delay time.Duration }

func (b *backoff) next() time.Duration {
	b.delay = min(max(2*b.delay, firstDelay), maxDelay)
	return b.delay/2 + rand.N(b.delay/2)
}

// sleep waits for d or until ctx ends, whose cause it returns.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
