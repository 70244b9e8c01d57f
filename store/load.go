package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// The columns of the parts of a show, in the order in which they are written
// and read.
const (
	trackColumns = `id, gateway, plain, key, signing, signer, channels, bitrate, block_ms, reserved, mxc,
		duration, size, blocks, sha256, seek, wave, level`
	announcementColumns = `room, event, revision, edits, voice_event, closed`
)

// listShows returns the shows without their parts.
func listShows(ctx context.Context, tx *sql.Tx, f Filter) ([]*Show, error) {
	where, args := f.query()
	return query(ctx, tx, `SELECT id, speaker, title, source, started_at, stage, reason FROM show`+where, args, scanShow)
}

// loadParts fills in what belongs to the show.
func (s *Store) loadParts(ctx context.Context, tx *sql.Tx, show *Show) error {
	id := []any{show.ID}
	tracks, err := query(ctx, tx, `SELECT `+trackColumns+` FROM track WHERE show = ? ORDER BY number`, id, s.scanTrack)
	if err != nil {
		return err
	}
	announcements, err := query(ctx, tx,
		`SELECT `+announcementColumns+` FROM announcement WHERE show = ? ORDER BY number`, id, scanAnnouncement)
	if err != nil {
		return err
	}
	steps, err := query(ctx, tx, `SELECT name, outcome FROM step WHERE show = ?`, id, scanStep)
	if err != nil {
		return err
	}
	show.Tracks, show.Announcements, show.Steps = tracks, announcements, make(map[string]Outcome)
	for _, step := range steps {
		show.Steps[step.name] = step.outcome
	}
	return nil
}

// query returns what scan makes of each row.
func query[T any](ctx context.Context, tx *sql.Tx, text string, args []any, scan func(*sql.Rows) (T, error)) ([]T, error) {
	rows, err := tx.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, rows.Err()
}

func scanShow(rows *sql.Rows) (*Show, error) {
	show := new(Show)
	var startedAt int64
	err := rows.Scan(&show.ID, &show.Speaker, &show.Title, &show.Source, &startedAt, &show.Stage, &show.Reason)
	show.StartedAt = time.UnixMilli(startedAt)
	return show, err
}

func (s *Store) scanTrack(rows *sql.Rows) (t Track, err error) {
	var key, signing, signer string
	var blockMS, duration int64
	err = rows.Scan(&t.ID, &t.Gateway, &t.Plain, &key, &signing, &signer, &t.Channels, &t.Bitrate, &blockMS, &t.Reserved, &t.MXC,
		&duration, &t.Size, &t.Blocks, &t.SHA256, &t.Seek, &t.Wave, &t.Level)
	if err != nil {
		return t, err
	}
	t.BlockDuration = time.Duration(blockMS) * time.Millisecond
	t.Duration = time.Duration(duration) * time.Millisecond
	return t, errors.Join(s.secrets.openTrack(&t, key, signing), t.setSigner(signer))
}

func scanAnnouncement(rows *sql.Rows) (a Announcement, err error) {
	err = rows.Scan(&a.Room, &a.Event, &a.Revision, &a.Edits, &a.VoiceEvent, &a.Closed)
	return a, err
}

// namedOutcome is a row of the steps.
type namedOutcome struct {
	name    string
	outcome Outcome
}

func scanStep(rows *sql.Rows) (step namedOutcome, err error) {
	err = rows.Scan(&step.name, &step.outcome)
	return step, err
}
