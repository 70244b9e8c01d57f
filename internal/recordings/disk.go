package recordings

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"broadcastbot/internal/livefile"
)

// What the files of a recording are called, after its id.
const (
	partFile   = ".part"   // the upload goes on
	lengthFile = ".length" // how long a .part will be, in decimal, when the uploader said so before the end
	newFile    = ".new"    // a .length that is being written
	doneFile   = ".mxc"    // finished
	goneFile   = ".gone"   // empty: was removed
)

// Disk is the storage in a directory, which Resume makes if it is missing. The names of the files
// in it are all the state there is.
type Disk string

var (
	_ Storage = Disk("")
	_ Growing = (*livefile.File)(nil)
	_ Content = finishedFile{}
)

func (d Disk) path(id, ext string) string { return filepath.Join(string(d), id+ext) }

func (d Disk) exists(id, ext string) bool {
	_, err := os.Stat(d.path(id, ext))
	return err == nil
}

// Create implements [Storage].
func (d Disk) Create(id string, length int64) (Growing, error) {
	if length != UnknownLength {
		if err := d.SetLength(id, length); err != nil {
			return nil, err
		}
	}
	file, err := livefile.Create(d.path(id, partFile))
	if err != nil {
		return nil, err // not file, which would be a Growing that is not nil
	}
	return file, nil
}

// SetLength implements [Storage]. The file appears whole or not at all: the first digits of a
// number are a number, too.
func (d Disk) SetLength(id string, length int64) error {
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

// length returns UnknownLength when none was declared, or nobody can read it: the uploader will
// declare it again.
func (d Disk) length(id string) (int64, error) {
	text, err := os.ReadFile(d.path(id, lengthFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	length, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return UnknownLength, nil
	}
	return length, nil
}

// Finish implements [Storage]: it gives the file its final name.
func (d Disk) Finish(id string) error {
	err := os.Rename(d.path(id, partFile), d.path(id, doneFile))
	if err != nil && !d.exists(id, doneFile) {
		return err
	}
	return errors.Join(removeFile(d.path(id, lengthFile)), d.sync())
}

// Open implements [Storage].
func (d Disk) Open(id string) (Content, error) {
	file, err := os.Open(d.path(id, doneFile))
	switch {
	case errors.Is(err, fs.ErrNotExist) && d.exists(id, goneFile):
		return nil, ErrRemoved
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrNotFound
	case err != nil:
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return finishedFile{file, info.Size()}, nil
}

// finishedFile is the content of a recording that was finished before it was opened.
type finishedFile struct {
	*os.File
	size int64
}

func (f finishedFile) Size() int64              { return f.size }
func (f finishedFile) Finished() bool           { return true }
func (f finishedFile) Changed() <-chan struct{} { return nil }

// Remove implements [Storage]: it leaves nothing of a recording but a tombstone. That one is
// durable before anything is deleted, so that a crash on the way can be made good.
func (d Disk) Remove(id string) error {
	if err := os.WriteFile(d.path(id, goneFile), nil, 0o600); err != nil {
		return err
	}
	if err := d.sync(); err != nil {
		return err
	}
	return errors.Join(
		removeFile(d.path(id, partFile)),
		removeFile(d.path(id, lengthFile)),
		removeFile(d.path(id, doneFile)),
	)
}

// sync makes names durable.
func (d Disk) sync() error { return livefile.SyncDir(string(d)) }

func removeFile(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
