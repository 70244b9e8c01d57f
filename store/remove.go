package store

import (
	"context"
	"errors"
	"fmt"
)

// RemoveShow forgets a show and all that belongs to it, its keys above all: when it returns nil,
// neither the database nor its log of changes has any byte of them left. A show that is not there
// (any more) is no error, so that what was interrupted can be repeated. Nobody may save the show
// afterwards.
func (s *Store) RemoveShow(ctx context.Context, id string) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM show WHERE id = ?`, id); err != nil {
		return fmt.Errorf("remove show %s: %w", id, err)
	}
	if err := s.emptyLog(ctx); err != nil {
		return fmt.Errorf("remove show %s: %w", id, err)
	}
	return nil
}

// errLogInUse means that a reader still needs the log of changes; it was waited for in vain.
var errLogInUse = errors.New("somebody reads the database: its log of changes cannot be emptied")

// emptyLog brings all changes into the database and empties the log (-wal), which would otherwise
// keep pages as they were until it happens to be overwritten. In the database itself secure_delete
// has put zeros where something was deleted.
func (s *Store) emptyLog(ctx context.Context) error {
	var inUse, frames, copied int
	err := s.db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&inUse, &frames, &copied)
	if err == nil && inUse != 0 {
		err = errLogInUse
	}
	return err
}
