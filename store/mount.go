package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Mount is where a speaker's program pushes the sound to that goes on air in a room.
type Mount struct {
	ID      string // the last part of its address: 12 characters of a-z and 2-7
	Room    string
	Speaker string
	Created time.Time
}

// Mounts are the mounts of all speakers.
type Mounts struct{ store *Store }

// Mounts returns those of this database.
func (s *Store) Mounts() Mounts { return Mounts{s} }

var (
	// ErrWrongPassword means that there is no such mount, or that it has another password. Which of the
	// two it is, nobody learns.
	ErrWrongPassword = errors.New("there is no such mount, or its password is another one")
	// ErrNoMount means that the speaker has no mount for the room.
	ErrNoMount = errors.New("the speaker has no mount for the room")
)

// NewMount returns a mount that counts once it is put among the others, and the password for it, which
// is in no other place.
func NewMount(room, speaker string) (m Mount, password string) {
	m = Mount{ID: strings.ToLower(rand.Text()[:12]), Room: room, Speaker: speaker, Created: time.UnixMilli(time.Now().UnixMilli())}
	return m, rand.Text()[:20] // 100 bits: too many to be guessed from a fast hash
}

// Put puts a mount in the place of the one that its speaker may have for the room. What is still
// connected to that can come back no more, because it has another id.
func (ms Mounts) Put(ctx context.Context, m Mount, password string) error {
	hash := sha256.Sum256([]byte(password))
	_, err := ms.store.db.ExecContext(ctx,
		`INSERT INTO mount (`+mountColumns+`) VALUES (?,?,?,?,?)
			ON CONFLICT (room, speaker) DO UPDATE SET id = excluded.id, password_hash = excluded.password_hash, created = excluded.created`,
		m.ID, m.Room, m.Speaker, hash[:], m.Created.UnixMilli())
	if err != nil {
		return fmt.Errorf("store a mount: %w", err)
	}
	return nil
}

// Authorize returns the mount with this id if the password is the one that its speaker was given.
// Otherwise the error is ErrWrongPassword. It says nothing of what the speaker may do: their rights
// count when a show begins.
func (ms Mounts) Authorize(ctx context.Context, mount, password string) (Mount, error) {
	var stored []byte
	m, err := ms.find(ctx, &stored, `id = ?`, mount)
	if err != nil && !errors.Is(err, ErrNoMount) {
		return Mount{}, err
	}
	hash := sha256.Sum256([]byte(password))
	if subtle.ConstantTimeCompare(hash[:], stored) != 1 {
		return Mount{}, ErrWrongPassword
	}
	return m, nil
}

// Mount returns the speaker's mount for a room, or ErrNoMount.
func (ms Mounts) Mount(ctx context.Context, room, speaker string) (Mount, error) {
	return ms.find(ctx, new([]byte), `room = ? AND speaker = ?`, room, speaker)
}

// find looks a mount up, with the hash of its password.
func (ms Mounts) find(ctx context.Context, hash *[]byte, condition string, args ...any) (m Mount, err error) {
	err = ms.store.read(ctx, func(tx *sql.Tx) error {
		m, err = scanMount(tx.QueryRowContext(ctx, mountQuery+` WHERE `+condition, args...), hash)
		return err
	})
	if err != nil {
		return Mount{}, fmt.Errorf("look up a mount: %w", err)
	}
	return m, nil
}

// Remove takes the speaker's mount for a room away and returns what it was, or ErrNoMount.
func (ms Mounts) Remove(ctx context.Context, room, speaker string) (Mount, error) {
	m, err := scanMount(ms.store.db.QueryRowContext(ctx,
		`DELETE FROM mount WHERE room = ? AND speaker = ? RETURNING `+mountColumns, room, speaker), new([]byte))
	if err != nil {
		return Mount{}, fmt.Errorf("remove a mount: %w", err)
	}
	return m, nil
}

// Of returns all mounts of a speaker, the oldest first.
func (ms Mounts) Of(ctx context.Context, speaker string) (mounts []Mount, err error) {
	err = ms.store.read(ctx, func(tx *sql.Tx) error {
		mounts, err = query(ctx, tx, mountQuery+` WHERE speaker = ? ORDER BY created, id`, []any{speaker},
			func(rows *sql.Rows) (Mount, error) { return scanMount(rows, new([]byte)) })
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look up mounts: %w", err)
	}
	return mounts, nil
}

const (
	mountColumns = `id, room, speaker, password_hash, created`
	mountQuery   = `SELECT ` + mountColumns + ` FROM mount`
)

// scanMount reads a row. Without one, the error is ErrNoMount.
func scanMount(row interface{ Scan(...any) error }, hash *[]byte) (m Mount, err error) {
	var created int64
	err = row.Scan(&m.ID, &m.Room, &m.Speaker, hash, &created)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Mount{}, ErrNoMount
	case err != nil:
		return Mount{}, err
	}
	m.Created = time.UnixMilli(created)
	return m, nil
}
