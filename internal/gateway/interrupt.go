package gateway

import (
	"context"
	"time"
)

// interrupt makes a connection's reads or writes fail as soon as ctx ends, by a deadline in the past. Who
// sets that deadline for each of them must do so before looking at ctx: then either they see that it has
// ended, or theirs is the deadline that is replaced.
//
// The function it returns ends this. If the deadline is being set at that moment, it waits until that is
// done, so that the next request on the connection is not hit.
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
