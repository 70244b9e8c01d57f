package store

import (
	"context"
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
