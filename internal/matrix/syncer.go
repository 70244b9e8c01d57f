package matrix

import (
	"context"
	"errors"
	"sync"
	"time"

	"maunium.net/go/mautrix"
)

// syncer tells when the first response has been taken in: before that nobody
// knows which rooms are encrypted.
type syncer struct {
	*mautrix.DefaultSyncer
	synced func()
	failed func(error)
}

func (s *Session) newSyncer() *syncer {
	inner := mautrix.NewDefaultSyncer()
	inner.OnSync(parseState)
	return &syncer{
		DefaultSyncer: inner,
		synced:        sync.OnceFunc(func() { close(s.ready) }),
		failed:        func(err error) { s.log.Warn("the homeserver does not answer, will ask again", "err", err) },
	}
}

// ProcessResponse implements mautrix.Syncer.
func (s *syncer) ProcessResponse(ctx context.Context, response *mautrix.RespSync, since string) error {
	if err := s.DefaultSyncer.ProcessResponse(ctx, response, since); err != nil {
		return err
	}
	s.synced()
	return nil
}

// OnFailedSync implements mautrix.Syncer. Only a lost session is final.
func (s *syncer) OnFailedSync(_ *mautrix.RespSync, err error) (time.Duration, error) {
	if errors.Is(err, mautrix.MUnknownToken) {
		return 0, err
	}
	s.failed(err)
	return 5 * time.Second, nil
}
