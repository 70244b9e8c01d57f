package store

import (
	"context"
	"database/sql"
	"errors"

	"broadcastbot/internal/masterkey"
)

// errWrongMasterKey says what to do about a master key that does not fit.
var errWrongMasterKey = errors.New("its keys are encrypted with another key than the one that is given: give that one; " + masterkey.IfLost)

// unlock gets the master key and proves that it is the right one. In a database that has none yet, it
// encrypts what is there.
func (s *Store) unlock(ctx context.Context, keys masterkey.Source) error {
	var proof string
	err := s.db.QueryRowContext(ctx, `SELECT proof FROM master_key`).Scan(&proof)
	isNew := errors.Is(err, sql.ErrNoRows)
	if err != nil && !isNew {
		return err
	}
	if s.secrets.key, err = keys(!isNew); err != nil {
		return err
	}
	switch {
	case isNew:
		return s.Rewrite(ctx, s.secrets.sealAll)
	case !s.secrets.isProved(proof):
		return errWrongMasterKey
	default:
		return s.eraseUnfinished(ctx)
	}
}

// PickleKey is what the Matrix library encrypts its secrets with, 32 bytes.
func (s *Store) PickleKey() []byte { return s.secrets.key.Derive("org.broadcastbot.pickle.v1") }
