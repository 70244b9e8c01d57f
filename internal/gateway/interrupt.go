package gateway

import (
	"context"
	"time"
)

// interrupt makes a connection's reads or writes fail as soon as ctx ends, by a deadline in the
// past. Code that also sets this deadline, before each read or write, must look at ctx after that:
// then either it sees that ctx has ended, or interrupt replaces its deadline.
//
// The function that it returns ends this. If the deadline is being set at that moment, it waits
// until that is done, so that the next request on the connection is not hit.
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
