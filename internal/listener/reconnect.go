package listener

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"time"

	"broadcastbot/opusblocks"
)

// errNoEnd is how a finished file without an end ends. It wraps
// ErrCutOff, like the end of a connection does, but asking again is no use.
var errNoEnd = fmt.Errorf("the recording has no end, the show was interrupted: %w", opusblocks.ErrCutOff)

// final reports whether trying again can not help.
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

// Delays between attempts to reach the gateway again.
const (
	firstRetry = 250 * time.Millisecond
	lastRetry  = 10 * time.Second
)

// persist repeats read until it gives a block or a final error. Each repetition
// goes on behind the last block over a new connection.
func (s *Stream) persist(read func() (opusblocks.Block, error)) (opusblocks.Block, error) {
	for delay := firstRetry; ; delay = min(2*delay, lastRetry) {
		block, err := read()
		if err == nil {
			return block, nil
		}
		if errors.Is(err, opusblocks.ErrCutOff) && s.body != nil && s.body.whole() {
			err = errNoEnd
		}
		if cause := context.Cause(s.ctx); cause != nil {
			return opusblocks.Block{}, cause
		}
		if final(err) {
			return opusblocks.Block{}, err
		}
		s.disconnect()
		s.log.Info("the line broke, listening goes on", "err", err, "retry_in", delay)
		select {
		case <-time.After(delay):
		case <-s.ctx.Done():
		}
	}
}

// nextBlock reads a block from the connection there is, or from a new one.
func (s *Stream) nextBlock() (opusblocks.Block, error) {
	if s.body == nil {
		body, err := s.reopen(s.reader.Position().Offset)
		if err != nil {
			return opusblocks.Block{}, err
		}
		s.reader.Continue(body)
	}
	return s.reader.ReadBlock()
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
