package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// LastShow returns the newest show of a room, also while it is being deleted; nil: there was none, or it
// was removed.
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
