package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// NoteDeleted notes that a show is being deleted, for LastShow.
func (s *Store) NoteDeleted(ctx context.Context, show *Show) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		for _, a := range show.Announcements {
			_, err := tx.ExecContext(ctx, `INSERT INTO deleted (room, started_at) VALUES (?,?)
				ON CONFLICT (room) DO UPDATE SET started_at = max(started_at, excluded.started_at)`,
				a.Room, show.StartedAt.UnixMilli())
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note that show %s is deleted: %w", show.ID, err)
	}
	return nil
}

// LastShow returns the newest show of a room; nil: there was none, or it was deleted.
func (s *Store) LastShow(ctx context.Context, room string) (*Show, error) {
	var deleted int64
	err := s.read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT started_at FROM deleted WHERE room = ?`, room).Scan(&deleted)
	})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("last show of %s: %w", room, err)
	}
	shows, err := s.Shows(ctx, Filter{Room: room, From: time.UnixMilli(deleted + 1), Limit: 1})
	if err != nil || len(shows) == 0 {
		return nil, err
	}
	return shows[0], nil
}
