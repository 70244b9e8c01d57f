package gateway

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// What a recording's files are called, after its id.
const (
	partFile   = ".part"   // the upload goes on
	lengthFile = ".length" // how long a .part will be, in decimal, when the uploader said so before the end
	newFile    = ".new"    // a .length that is being written
	doneFile   = ".mxc"    // finished
	goneFile   = ".gone"   // empty: was removed
)

// disk is the directory that holds the recordings: all the state there is.
type disk string

func (d disk) path(id, ext string) string { return filepath.Join(string(d), id+ext) }

func (d disk) exists(id, ext string) bool {
	_, err := os.Stat(d.path(id, ext))
	return err == nil
}

// writeLength makes the declared length of an upload durable. It appears whole
// or not at all: the first digits of a number are a number, too.
func (d disk) writeLength(id string, length int64) error {
	path := d.path(id, newFile)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(strconv.AppendInt(nil, length, 10))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, removeFile(path))
	}
	return errors.Join(os.Rename(path, d.path(id, lengthFile)), d.sync())
}

// readLength returns unknownLength when none was declared, or nobody can read
// it: the uploader will declare it again.
func (d disk) readLength(id string) (int64, error) {
	text, err := os.ReadFile(d.path(id, lengthFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	length, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return unknownLength, nil
	}
	return length, nil
}

// finish gives a recording its final name. It may be called again after an
// error, whatever the first call got done.
func (d disk) finish(id string) error {
	err := os.Rename(d.path(id, partFile), d.path(id, doneFile))
	if err != nil && !d.exists(id, doneFile) {
		return err
	}
	return errors.Join(removeFile(d.path(id, lengthFile)), d.sync())
}

// bury leaves nothing of a recording but a tombstone. That one is durable
// before anything is deleted, so a crash on the way can be made good.
func (d disk) bury(id string) error {
	if err := os.WriteFile(d.path(id, goneFile), nil, 0o600); err != nil {
		return err
	}
	return errors.Join(
		d.sync(),
		removeFile(d.path(id, partFile)),
		removeFile(d.path(id, lengthFile)),
		removeFile(d.path(id, doneFile)),
	)
}

// sync makes names durable.
func (d disk) sync() error {
	f, err := os.Open(string(d))
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

func removeFile(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
