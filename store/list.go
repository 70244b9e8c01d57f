package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// Filter says which shows are wanted. The zero value wants all of them, the
// newest first.
type Filter struct {
	ID          string
	Room        string    // announced in this room
	Event       string    // with this event as its announcement or its voice message, in Room
	Stages      []Stage   // in one of these stages
	From, Until time.Time // started not before From, and before Until
	OldestFirst bool
	Limit       int // at most so many; 0: no limit
}

// Shows returns the shows that the filter wants, ordered by when they started.
func (s *Store) Shows(ctx context.Context, f Filter) (shows []*Show, err error) {
	err = s.read(ctx, func(tx *sql.Tx) error {
		if shows, err = listShows(ctx, tx, f); err != nil {
			return err
		}
		for _, show := range shows {
			if err := s.loadParts(ctx, tx, show); err != nil {
				return fmt.Errorf("show %s: %w", show.ID, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list shows: %w", err)
	}
	return shows, nil
}

// Unconcluded are the stages of shows for which something is left to be done.
var Unconcluded = []Stage{Starting, Live, Concluding, Deleting}

// query is the WHERE, ORDER BY and LIMIT of a filter, with its arguments.
func (f Filter) query() (text string, args []any) {
	var conditions []string
	where := func(condition string, arg ...any) {
		conditions, args = append(conditions, condition), append(args, arg...)
	}
	where("1")
	if f.ID != "" {
		where("id = ?", f.ID)
	}
	if f.Room != "" {
		where("id IN (SELECT show FROM announcement WHERE room = ?)", f.Room)
	}
	if f.Event != "" {
		where("id IN (SELECT show FROM announcement WHERE room = ? AND ? IN (event, voice_event))", f.Room, f.Event)
	}
	if len(f.Stages) > 0 {
		where("stage IN (?" + strings.Repeat(",?", len(f.Stages)-1) + ")")
		for _, stage := range f.Stages {
			args = append(args, stage)
		}
	}
	if !f.From.IsZero() {
		where("started_at >= ?", f.From.UnixMilli())
	}
	if !f.Until.IsZero() {
		where("started_at < ?", f.Until.UnixMilli())
	}
	text = " WHERE " + strings.Join(conditions, " AND ") + " ORDER BY started_at"
	if !f.OldestFirst {
		text += " DESC"
	}
	if f.Limit > 0 {
		text, args = text+" LIMIT ?", append(args, f.Limit)
	}
	return text, args
}
