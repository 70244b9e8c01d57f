package gateway

import (
	"context"
	"sync"
)

// seat is the one place from which a recording is appended to. The newest
// wins: after a broken line an uploader is back before the gateway has noticed
// that the old connection is dead.
type seat struct {
	mu     sync.Mutex
	holder *holder
}

type holder struct {
	stop context.CancelCauseFunc
	left chan struct{} // closed when the holder is done with the recording
}

// take asks whoever has the seat to stop, waits until they have, and returns
// a context that ends (errSuperseded) when somebody newer comes. The caller
// must soon obey that, and must call leave.
func (s *seat) take(parent context.Context) (ctx context.Context, leave func()) {
	ctx, stop := context.WithCancelCause(parent)
	me := &holder{stop: stop, left: make(chan struct{})}
	s.mu.Lock()
	before := s.holder
	s.holder = me
	s.mu.Unlock()
	if before != nil {
		before.stop(errSuperseded)
		<-before.left // also when we were superseded meanwhile: whoever waits for us waits for all before us
	}
	return ctx, func() {
		stop(context.Canceled)
		close(me.left)
	}
}
