package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"broadcastbot/internal/masterkey"
)

// secrets encrypts what tracks have to hide, under the master key.
type secrets struct{ key masterkey.Key }

// secretColumns are those of tracks that are encrypted.
var secretColumns = []string{"key", "signing"}

// place binds an encrypted secret to the column and the track that it stands at.
func place(column, track string) string { return "track " + track + " " + column }

// seal returns a secret as it stands in the database. An empty one stays empty.
func (s secrets) seal(column, track, secret string) string {
	if secret == "" {
		return ""
	}
	return s.key.Seal(place(column, track), []byte(secret))
}

// open is the inverse of seal.
func (s secrets) open(column, track, sealed string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	secret, err := s.key.Open(place(column, track), sealed)
	if err != nil {
		return "", fmt.Errorf("%s of track %s: %w", column, track, err)
	}
	return string(secret), nil
}

// sealTrack returns the columns key and signing of a track. A file that is complete is signed for
// good: nobody can sign another one in its place when the key for that is gone.
func (s secrets) sealTrack(t *Track, complete bool) (key, signing string, err error) {
	key, err = t.storedKey()
	if !complete {
		signing = s.seal("signing", t.ID, t.storedSigning())
	}
	return s.seal("key", t.ID, key), signing, err
}

// openTrack is the inverse of sealTrack.
func (s secrets) openTrack(t *Track, key, signing string) error {
	key, keyErr := s.open("key", t.ID, key)
	signing, signingErr := s.open("signing", t.ID, signing)
	if err := errors.Join(keyErr, signingErr); err != nil {
		return err
	}
	return errors.Join(t.setKey(key), t.setSigning(signing))
}

// The known text by which a database knows its master key.
const proofPlace, proofText = "proof", "broadcastbot"

// prove returns what isProved accepts under the same key only.
func (s secrets) prove() string { return s.key.Seal(proofPlace, []byte(proofText)) }

func (s secrets) isProved(proof string) bool {
	_, err := s.key.Open(proofPlace, proof)
	return err == nil
}

// sealAll encrypts all secrets of a database that has them in clear.
func (s secrets) sealAll(tx *sql.Tx) error {
	for _, column := range secretColumns {
		if err := s.sealColumn(tx, column); err != nil {
			return fmt.Errorf("encrypt %s: %w", column, err)
		}
	}
	_, err := tx.Exec(`INSERT INTO master_key VALUES (1, ?, 0)`, s.prove())
	return err
}

// storedSecret is a secret and the track that it belongs to.
type storedSecret struct{ track, secret string }

func scanSecret(rows *sql.Rows) (found storedSecret, err error) {
	err = rows.Scan(&found.track, &found.secret)
	return found, err
}

func (s secrets) sealColumn(tx *sql.Tx, column string) error {
	all, err := query(context.Background(), tx, `SELECT id, `+column+` FROM track`, nil, scanSecret)
	if err != nil {
		return err
	}
	for _, found := range all {
		sealed := s.seal(column, found.track, found.secret)
		if _, err := tx.Exec(`UPDATE track SET `+column+` = ? WHERE id = ?`, sealed, found.track); err != nil {
			return err
		}
	}
	return nil
}
