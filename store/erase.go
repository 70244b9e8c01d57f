package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Rewrite makes a change after which nothing of what stood in the database before is left in its
// files, not even from times when deleted content was not yet overwritten. It takes as long as
// copying the database. If it is interrupted, the next start completes it.
func (s *Store) Rewrite(ctx context.Context, change func(*sql.Tx) error) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		if err := change(tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE master_key SET erased = 0`)
		return err
	})
	if err != nil {
		return err
	}
	return s.eraseUnfinished(ctx)
}

// eraseUnfinished builds the database anew, if that is still to be done.
func (s *Store) eraseUnfinished(ctx context.Context) error {
	var erased bool
	if err := s.db.QueryRowContext(ctx, `SELECT erased FROM master_key`).Scan(&erased); err != nil || erased {
		return err
	}
	err := s.rebuild(ctx)
	if err == nil {
		err = s.emptyLog(ctx)
	}
	if err == nil {
		_, err = s.db.ExecContext(ctx, `UPDATE master_key SET erased = 1`)
	}
	if err != nil {
		return fmt.Errorf("erase what was deleted: %w", err)
	}
	return nil
}

// rebuild writes the database anew, with nothing but what is in it. The copy that this needs is made in
// memory, because files for such things would leave their traces elsewhere.
func (s *Store) rebuild(ctx context.Context) error {
	connection, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer connection.Close()
	if _, err := connection.ExecContext(ctx, `PRAGMA temp_store = MEMORY`); err != nil {
		return err
	}
	_, err = connection.ExecContext(ctx, `VACUUM`)
	return err
}

// errLogInUse means that a reader still needs the log of changes; it was waited for in vain.
var errLogInUse = errors.New("somebody reads the database: its log of changes cannot be emptied")

// emptyLogAfter empties the log after a change that dropped a secret, or after any change as long as
// that did not work for an earlier one. Other changes leave the log as it is: emptying it takes a while.
func (s *Store) emptyLogAfter(ctx context.Context, dropped bool) error {
	if owed := s.logOwed.Swap(false); !dropped && !owed {
		return nil
	}
	err := s.emptyLog(ctx)
	if err != nil {
		s.logOwed.Store(true)
	}
	return err
}

// emptyLog brings all changes into the database and empties the log (-wal), which would otherwise
// keep pages as they were until it happens to be overwritten. In the database itself secure_delete
// has put zeros where something was deleted. New reads wait until it is done: where some of them always
// overlap, it would never be.
func (s *Store) emptyLog(ctx context.Context) error {
	s.reading.Lock()
	defer s.reading.Unlock()
	var inUse, frames, copied int
	err := s.db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&inUse, &frames, &copied)
	if err == nil && inUse != 0 {
		err = errLogInUse
	}
	return err
}
