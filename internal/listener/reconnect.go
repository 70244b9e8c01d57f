package listener

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"time"

	"broadcastbot/internal/retry"
	"broadcastbot/opusblocks"
)

// errNoEnd is the error at the end of a finished file that has no last block. It
// wraps ErrCutOff, like the end of a connection does, but a new connection would
// not help.
var errNoEnd = fmt.Errorf("the server has no more of the show, and its end is not there: it was interrupted, or the server withholds the rest: %w", opusblocks.ErrCutOff)

// ErrNotContinued means that the gateway had other bytes when the line was there again. The station
// may have been restored from a copy of its disk, or the gateway cheats.
var ErrNotContinued = errors.New("the recording does not go on as it was before the line broke: " +
	"the station was set back to an older copy of it, or the server has changed it. Listen again to hear what there is now")

// final reports whether trying again cannot help.
func final(err error) bool {
	var block *opusblocks.BlockError
	var answer *refusal
	var certificate *tls.CertificateVerificationError
	switch {
	case err == io.EOF, errors.Is(err, errNoEnd), errors.Is(err, ErrGone):
		return true
	case errors.As(err, &answer), errors.As(err, &certificate):
		return true
	case errors.As(err, &block):
		return !errors.Is(err, opusblocks.ErrCutOff)
	}
	return false
}

// retryPolicy is how the gateway is asked again.
var retryPolicy = retry.Policy{First: 250 * time.Millisecond, Max: 10 * time.Second}

// readRetrying repeats read until it returns a block or a final error. Each
// repetition goes on behind the last block over a new connection.
func (s *Stream) readRetrying(read func() (opusblocks.Block, error)) (block opusblocks.Block, err error) {
	err = retry.Do(s.ctx, retryPolicy, func(context.Context) (err error) {
		block, err = read()
		if errors.Is(err, opusblocks.ErrCutOff) && s.body != nil && s.body.whole() {
			return errNoEnd
		}
		return err
	}, final, func(err error, delay time.Duration) {
		s.disconnect()
		s.rejoined = true
		s.log.Info("the line broke, listening goes on", "err", err, "retry_in", delay)
	})
	return block, s.explain(block, err)
}

// ErrUnproven means that a show ended, whatever ended it, behind sound that the station has not signed.
var ErrUnproven = errors.New("the last seconds that were heard may not come from the station")

// explain says what it means for what was heard that there is no more.
func (s *Stream) explain(block opusblocks.Block, err error) error {
	var refused *opusblocks.BlockError
	switch {
	case err == nil:
		if !s.proof.signed || block.Checkpoint != nil {
			s.rejoined = false
		}
		return nil
	case errors.As(err, &refused) && !errors.Is(err, opusblocks.ErrCutOff) && s.rejoined:
		return fmt.Errorf("%w: %w", ErrNotContinued, err)
	case s.proof.pending && err != io.EOF && s.ctx.Err() == nil:
		return fmt.Errorf("%w: %w", ErrUnproven, err)
	}
	return err
}

// nextBlock reads the next block of r from the connection there is, or from a new one.
func (s *Stream) nextBlock(r *opusblocks.Reader) (opusblocks.Block, error) {
	if s.body == nil {
		body, err := s.reopen(r.Position().Offset)
		if err != nil {
			return opusblocks.Block{}, err
		}
		r.Continue(body)
	}
	return r.ReadBlock()
}

// reopen makes a new connection, which begins at offset.
func (s *Stream) reopen(offset int64) (io.Reader, error) {
	s.disconnect()
	body, err := s.fetch.from(s.ctx, offset)
	if errors.Is(err, errBeyond) {
		return nil, errNoEnd
	}
	if err != nil {
		return nil, err
	}
	if body.total >= 0 {
		s.seeker.Size = body.total
	}
	s.body = body
	return body, nil
}

func (s *Stream) disconnect() {
	if s.body != nil {
		s.body.Close()
		s.body = nil
	}
}
