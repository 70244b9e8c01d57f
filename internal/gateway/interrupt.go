package gateway

import (
	"context"
	"time"
)

// interrupt makes a connection's reads or writes fail as soon as ctx ends, by
// a deadline in the past. Who sets that deadline for each of them must do so
// before looking at ctx: then either they see that it has ended, or theirs is
// the deadline that is replaced.
//
// The function it returns ends this. It waits if it is just happening: the
// next request on the connection must not be hit.
func interrupt(ctx context.Context, setDeadline func(time.Time) error) (stop func()) {
	done := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(done)
		setDeadline(time.Unix(1, 0))
	})
	return func() {
		if !cancel() {
			<-done
		}
	}
}

// causeOf returns why ctx has ended, or nil.
func causeOf(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return context.Cause(ctx)
}
