// Package recordings keeps the gateway's copies of shows: it knows which ones there are, holds
// their files open for those who need them, and brings back after a restart what was interrupted.
// It knows nothing of HTTP.
//
//	catalogue.go            which recordings are open, and who holds them
//	recording.go, append.go one recording, for its readers and for its one uploader
//	storage.go              what a place has to offer where recordings are kept
//	disk.go, resume.go      the directory that is such a place
package recordings

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
)

// Why a recording cannot be had, or changed.
var (
	ErrNotFound      = errors.New("there is no such recording")
	ErrRemoved       = errors.New("the recording was removed")
	ErrClosed        = errors.New("the catalogue of recordings is closed")
	ErrFinished      = errors.New("the recording is finished: nothing can be appended")
	ErrSuperseded    = errors.New("a newer appender has the recording")
	ErrLengthChanged = errors.New("the recording's length is already known to be another, or more is stored")
)

// UnknownLength stands for the length of a recording whose uploader has not said yet how many bytes
// it will have.
const UnknownLength = -1

// newID returns 128 random bits in 22 characters.
func newID() string {
	var bits [16]byte
	rand.Read(bits[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(bits[:])
}

// validID reports whether id is one that newID can return: it becomes a part of file names.
func validID(id string) bool {
	bits, err := base64.RawURLEncoding.Strict().DecodeString(id)
	return err == nil && len(id) == 22 && len(bits) == 16
}
