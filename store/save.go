package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/mattn/go-sqlite3"
)

// ErrKnown means that there is a show, or a track of one, with the id that a new one has.
var ErrKnown = errors.New("another show has this id")

// AddShow writes the record of a new show. It never touches the record of another one.
func (s *Store) AddShow(ctx context.Context, show *Show) error {
	err := s.change(ctx, func(tx *sql.Tx) error { return s.secrets.insertShow(ctx, tx, show) })
	var refusal sqlite3.Error
	if errors.As(err, &refusal) && refusal.Code == sqlite3.ErrConstraint {
		err = ErrKnown
	}
	if err != nil {
		return fmt.Errorf("add show %s: %w", show.ID, err)
	}
	return nil
}

// SaveShow writes the record, whether it is new or known, in one transaction. When it returns nil,
// no key that the record had before, and has no more, is left in any file. With a show that is being
// deleted goes the pass by which it came on air.
func (s *Store) SaveShow(ctx context.Context, show *Show) error {
	var dropped bool
	err := s.change(ctx, func(tx *sql.Tx) error {
		before, err := countSecrets(ctx, tx, show.ID)
		if err != nil {
			return err
		}
		if show.Stage == Deleting {
			if dropped, err = removePass(ctx, tx, show.ID); err != nil {
				return err
			}
		}
		if err := s.secrets.saveShow(ctx, tx, show); err != nil {
			return err
		}
		after, err := countSecrets(ctx, tx, show.ID)
		dropped = dropped || after < before
		return err
	})
	if err == nil {
		err = s.emptyLogAfter(ctx, dropped)
	}
	if err != nil {
		return fmt.Errorf("save show %s: %w", show.ID, err)
	}
	return nil
}

// countSecrets returns how many keys a show has. They only ever go, and none takes another one's place.
func countSecrets(ctx context.Context, tx *sql.Tx, show string) (n int, err error) {
	err = tx.QueryRowContext(ctx,
		`SELECT COUNT(NULLIF(key, '')) + COUNT(NULLIF(signing, '')) FROM track WHERE show = ?`, show).Scan(&n)
	return n, err
}

// change makes a change, all of it or nothing.
func (s *Store) change(ctx context.Context, do func(*sql.Tx) error) error {
	return inTransaction(ctx, s.db, do)
}

// read looks something up, all of it as it is at one moment.
func (s *Store) read(ctx context.Context, do func(*sql.Tx) error) error {
	s.reading.RLock()
	defer s.reading.RUnlock()
	return inTransaction(ctx, s.reads, do)
}

func inTransaction(ctx context.Context, db *sql.DB, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after Commit it does nothing
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func (s secrets) saveShow(ctx context.Context, tx *sql.Tx, show *Show) error {
	// Deleting the row deletes the tracks, announcements and steps; all are inserted again.
	if _, err := tx.ExecContext(ctx, `DELETE FROM show WHERE id = ?`, show.ID); err != nil {
		return err
	}
	return s.insertShow(ctx, tx, show)
}

func (s secrets) insertShow(ctx context.Context, tx *sql.Tx, show *Show) error {
	_, err := tx.ExecContext(ctx,
		`INSERT INTO show (id, speaker, title, source, started_at, stage, reason) VALUES (?,?,?,?,?,?,?)`,
		show.ID, show.Speaker, show.Title, show.Source, show.StartedAt.UnixMilli(), show.Stage, show.Reason)
	if err != nil {
		return err
	}
	for number := range show.Tracks {
		if err := s.insertTrack(ctx, tx, show, number); err != nil {
			return err
		}
	}
	for number := range show.Announcements {
		if err := insertAnnouncement(ctx, tx, show.ID, number, &show.Announcements[number]); err != nil {
			return err
		}
	}
	for name, outcome := range show.Steps {
		if _, err := tx.ExecContext(ctx, `INSERT INTO step (show, name, outcome) VALUES (?,?,?)`, show.ID, name, outcome); err != nil {
			return err
		}
	}
	return nil
}

func (s secrets) insertTrack(ctx context.Context, tx *sql.Tx, show *Show, number int) error {
	t := &show.Tracks[number]
	key, signing, err := s.sealTrack(t, show.isComplete())
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO track (show, number, `+trackColumns+`)
		VALUES (?,?, ?,?,?,?,?,?,?,?,?, ?,?, ?,?,?,?,?,?,?)`,
		show.ID, number,
		t.ID, t.Gateway, t.Plain, key, signing, t.storedSigner(), t.Channels, t.Bitrate, t.BlockDuration.Milliseconds(),
		t.Reserved, t.MXC,
		t.Duration.Milliseconds(), t.Size, t.Blocks, t.SHA256, t.Seek, t.Wave, t.Level)
	return err
}

func insertAnnouncement(ctx context.Context, tx *sql.Tx, show string, number int, a *Announcement) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO announcement (show, number, `+announcementColumns+`) VALUES (?,?, ?,?,?,?,?,?)`,
		show, number, a.Room, a.Event, a.Revision, a.Edits, a.VoiceEvent, a.Closed)
	return err
}
