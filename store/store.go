// Package store remembers shows across restarts, in SQLite.
//
// The database holds keys of shows and, beside this package's tables, the bot's Matrix
// encryption state. All of them are encrypted under a master key that is kept elsewhere, and the file
// is readable by its owner only.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"

	"broadcastbot/internal/masterkey"
)

// Store is an open database. It has a method for each question that is asked of it.
type Store struct {
	db      *sql.DB      // for changes
	reads   *sql.DB      // the same one, for looking only
	reading sync.RWMutex // of reads; who empties the log keeps them out
	secrets secrets
	logOwed atomic.Bool // the log still has a secret that was dropped
}

// Open opens the database at path, makes it (mode 0600) if there is none, and brings its tables up to
// date. The keys in it are encrypted under the master key that the source finds.
func Open(ctx context.Context, path string, keys masterkey.Source) (*Store, error) {
	s, err := openFile(path)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := s.prepare(ctx, keys); err != nil {
		s.Close()
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return s, nil
}

// maxReads is how many look something up at once.
const maxReads = 4

func openFile(path string) (*Store, error) {
	if err := createPrivate(path); err != nil {
		return nil, err
	}
	// Immediate transactions take the write lock at once, so that two of them
	// wait for each other (busy timeout) where upgrading a read lock would fail.
	db, err := openWith(path, url.Values{
		"_journal_mode": {"WAL"},
		"_foreign_keys": {"on"},
		"_synchronous":  {"FULL"}, // a key must not be lost to a power cut that its sound survives
		"_txlock":       {"immediate"},
		// What is deleted or replaced is overwritten with zeros: above all, keys.
		"_secure_delete": {"on"},
	})
	if err != nil {
		return nil, err
	}
	// A read that took the write lock would hold up what a show on air has to save.
	reads, err := openWith(path, url.Values{"_query_only": {"on"}})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	reads.SetMaxOpenConns(maxReads)
	return &Store{db: db, reads: reads}, nil
}

// openWith opens the database at path with options of the driver.
func openWith(path string, options url.Values) (*sql.DB, error) {
	options.Set("_busy_timeout", "10000")
	return sql.Open("sqlite3", (&url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: options.Encode()}).String())
}

// prepare makes everything ready that is stored.
func (s *Store) prepare(ctx context.Context, keys masterkey.Source) error {
	if err := migrate(ctx, s.db); err != nil {
		return err
	}
	if err := s.unlock(ctx, keys); err != nil {
		return err
	}
	if err := s.freeInterrupted(ctx); err != nil {
		return err
	}
	// A removal may have been interrupted. If another reader is at the log, the end of the last one
	// empties it.
	if err := s.emptyLog(ctx); !errors.Is(err, errLogInUse) {
		return err
	}
	return nil
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
func (s *Store) Close() error { return errors.Join(s.reads.Close(), s.db.Close()) }
