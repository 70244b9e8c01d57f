package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Pass lets one speaker put one show on air from elsewhere, with a secret of which the store has only a
// hash. It is of no use when its show is over.
type Pass struct {
	Source    string // of its show, as Show.Source; no other pass has the same
	Room      string
	Speaker   string // Matrix user id
	Title     string
	ExpiresAt time.Time // when it is too late to begin the show
	Used      bool      // its show has begun

	// Of its show, if that is being prepared or on air; otherwise zero.
	Show      string // id
	StartedAt time.Time

	Reason string // why its show is over, as Show.Reason
}

// Passes are the passes of a store.
type Passes struct{ store *Store }

// Passes returns the store's passes.
func (s *Store) Passes() Passes { return Passes{s} }

const (
	// passShow is true of a pass and its show while that is being prepared or on air.
	passShow = `show.source = pass.source AND show.stage IN ('starting', 'live')`
	// passReplaced is true of a pass when its speaker has got another one for the room since.
	passReplaced = `EXISTS (SELECT 1 FROM pass AS newer
		WHERE newer.room = pass.room AND newer.speaker = pass.speaker AND newer.rowid > pass.rowid)`
)

// Add adds a pass for whoever knows the secret with this hash. It takes the place of the one that
// its speaker has for the room, if no show has begun with that. Those that have no use any more go.
func (ps Passes) Add(ctx context.Context, p *Pass, hash string) error {
	err := ps.store.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM pass WHERE (room = ? AND speaker = ? AND used = 0)
			OR (expires_at < ? AND NOT EXISTS (SELECT 1 FROM show WHERE `+passShow+`))`,
			p.Room, p.Speaker, time.Now().UnixMilli())
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx,
			`INSERT INTO pass (source, hash, room, speaker, title, expires_at, used) VALUES (?,?,?,?,?,?,0)`,
			p.Source, hash, p.Room, p.Speaker, p.Title, p.ExpiresAt.UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("add a pass of %s: %w", p.Speaker, err)
	}
	return nil
}

// Find returns the pass whose secret has this hash; nil: there is none, or it was not used in time.
func (ps Passes) Find(ctx context.Context, hash string) (*Pass, error) {
	p := new(Pass)
	var expires, started int64
	err := ps.store.read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `
			SELECT pass.source, room, pass.speaker, coalesce(show.title, pass.title), expires_at, used > 0,
				coalesce(show.id, ''), coalesce(show.started_at, 0), coalesce(past.reason, '')
			FROM pass LEFT JOIN show ON `+passShow+`
				LEFT JOIN show AS past ON past.source = pass.source AND show.id IS NULL
			WHERE hash = ? ORDER BY past.started_at DESC LIMIT 1`, hash).
			Scan(&p.Source, &p.Room, &p.Speaker, &p.Title, &expires, &p.Used, &p.Show, &started, &p.Reason)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find a pass: %w", err)
	}
	p.ExpiresAt = time.UnixMilli(expires)
	if !p.Used && !time.Now().Before(p.ExpiresAt) {
		return nil, nil
	}
	if p.Show != "" {
		p.StartedAt = time.UnixMilli(started)
	}
	return p, nil
}

// Use notes that the show of a pass begins. It returns false if that cannot be (any more): the pass
// is used, has expired, or was removed.
func (ps Passes) Use(ctx context.Context, source string) (bool, error) {
	return ps.change(ctx, `UPDATE pass SET used = 1 WHERE source = ? AND used = 0 AND expires_at > ?`,
		source, time.Now().UnixMilli())
}

// Free takes Use back, for a show that did not begin. If the speaker has got another pass meanwhile, that
// one has taken the place of this one.
func (ps Passes) Free(ctx context.Context, source string) error {
	err := ps.store.freePasses(ctx, `pass.source = ?`, source)
	if err != nil {
		return fmt.Errorf("free pass %s: %w", source, err)
	}
	return nil
}

// freePasses takes Use back from those passes of which a condition is true, unless they are replaced.
func (s *Store) freePasses(ctx context.Context, condition string, args ...any) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM pass WHERE used = 1 AND `+condition+` AND `+passReplaced, args...)
		if err == nil {
			_, err = tx.ExecContext(ctx, `UPDATE pass SET used = 0 WHERE used = 1 AND `+condition, args...)
		}
		return err
	})
}

// freeInterrupted frees the passes with which the last run was about to begin a show, and had no record
// of it when it was killed.
func (s *Store) freeInterrupted(ctx context.Context) error {
	return s.freePasses(ctx, `NOT EXISTS (SELECT 1 FROM show WHERE show.source = pass.source)`)
}

// removePass removes the pass of a show, if it has one.
func removePass(ctx context.Context, tx *sql.Tx, show string) (removed bool, err error) {
	return hasChanged(tx.ExecContext(ctx, `DELETE FROM pass WHERE source = (SELECT source FROM show WHERE id = ?)`, show))
}

// End notes that nothing can begin with the pass (any more). One that is not there is no error.
func (ps Passes) End(ctx context.Context, source string) error {
	_, err := ps.change(ctx, `UPDATE pass SET used = 2, title = '' WHERE source = ?`, source)
	return err
}

// change reports whether a statement has changed a pass.
func (ps Passes) change(ctx context.Context, statement string, args ...any) (bool, error) {
	changed, err := hasChanged(ps.store.db.ExecContext(ctx, statement, args...))
	if err != nil {
		return false, fmt.Errorf("pass %s: %w", args[0], err)
	}
	return changed, nil
}

// hasChanged reports whether a statement has changed a row.
func hasChanged(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}
