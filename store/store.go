// Package store remembers broadcasts across restarts, in SQLite.
//
// The database holds keys of broadcasts and, beside this package's tables, the
// bot's Matrix encryption state, so the file is readable by its owner only.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"
)

// Store is an open database.
type Store struct{ db *sql.DB }

// Open opens the database at path, makes it (mode 0600) if there is none, and
// brings its tables up to date.
func Open(ctx context.Context, path string) (*Store, error) {
	if err := createPrivate(path); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	// Immediate transactions take the write lock at once, so that two of them
	// wait for each other (busy timeout) where upgrading a read lock would fail.
	dsn := (&url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: url.Values{
		"_journal_mode": {"WAL"},
		"_busy_timeout": {"10000"},
		"_foreign_keys": {"on"},
		"_synchronous":  {"FULL"}, // a key must not be lost to a power cut that its sound survives
		"_txlock":       {"immediate"},
		// What is deleted or replaced is overwritten with zeros: above all, keys.
		"_secure_delete": {"on"},
	}.Encode()}).String()
	db, err := sql.Open("sqlite3", dsn)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	if err := migrate(ctx, db); err != nil {
		db.Close()
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	s := &Store{db: db}
	// A removal may have been interrupted. If another reader is at the log, the end of the last one
	// empties it.
	if err := s.emptyLog(ctx); err != nil && !errors.Is(err, errLogInUse) {
		db.Close()
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return s, nil
}

// createPrivate makes sure that the file exists before SQLite would make it
// with the mode that the umask happens to give. SQLite's side files (-wal,
// -shm) take the mode of the database.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := f.Chmod(0o600); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// DB is the database itself, for the Matrix library's own tables.
func (s *Store) DB() *sql.DB { return s.db }

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }
