package store

import (
	"context"
	"database/sql"
	"fmt"
)

// RemoveShow forgets a show and all that belongs to it, its keys above all: when it returns nil,
// neither the database nor its log of changes has any byte of them left. A show that is not there
// (any more) is no error, so that what was interrupted can be repeated. Nobody may save the show
// afterwards.
func (s *Store) RemoveShow(ctx context.Context, id string) error {
	err := s.change(ctx, func(tx *sql.Tx) error { return deleteShow(ctx, tx, id) })
	if err == nil {
		err = s.emptyLog(ctx)
	}
	if err != nil {
		return fmt.Errorf("remove show %s: %w", id, err)
	}
	return nil
}

// deleteShow deletes the record. When the show had started is kept: see LastShow.
func deleteShow(ctx context.Context, tx *sql.Tx, id string) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO deleted (room, started_at)
		SELECT room, started_at FROM announcement JOIN show ON show.id = announcement.show WHERE show.id = ?
		ON CONFLICT (room) DO UPDATE SET started_at = max(started_at, excluded.started_at)`, id)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM show WHERE id = ?`, id)
	return err
}
