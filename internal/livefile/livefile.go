// Package livefile is an append-only file that readers follow while it grows.
//
// The sender's spool and the gateway's recording are both a [File]: the file is the queue between a
// writer and any number of readers. Every reader keeps its own offset, so a slow one delays nobody
// and costs no buffer.
package livefile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// ErrClosed is returned to followers of a file that was closed before it was finished, and to
// writers of a closed or finished one.
var ErrClosed = errors.New("file is closed")

// File is a growing file with one writer and many readers.
//
// All methods may be called from several goroutines, but there is one writer at a time: Write,
// Truncate and Finish belong to it.
type File struct {
	// SyncWrites makes every Write durable (fsync) before it is published. Set it before the first
	// Write.
	SyncWrites bool

	f       *os.File
	syncAll func() error // fsync

	mu       sync.Mutex
	size     int64 // published bytes
	finished bool
	lost     error // why the bytes of a finished file may not be durable
	closed   bool
	changed  chan struct{} // closed at the next change of the fields above
}

// Create makes a new, empty file that only its owner may read (mode 0600). The file must not exist.
// Its directory entry is durable on return.
func Create(path string) (*File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := SyncDir(filepath.Dir(path)); err != nil {
		f.Close()
		return nil, fmt.Errorf("make %s durable: %w", path, err)
	}
	return &File{f: f, syncAll: f.Sync, changed: make(chan struct{})}, nil
}

// Open continues an existing file after its last byte. Bytes that a crash of the program has left
// only in the system's memory are durable on return.
func Open(path string) (*File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &File{f: f, syncAll: f.Sync, size: info.Size(), changed: make(chan struct{})}, nil
}

// SyncDir makes the entries of a directory durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Write appends p and then publishes it to the readers.
//
// It is all or nothing: after an error (a full disk, say) the file is what it was before, and the
// write may be tried again.
func (f *File) Write(p []byte) (int, error) {
	f.mu.Lock()
	offset, open := f.size, !f.closed && !f.finished
	f.mu.Unlock()
	if !open {
		return 0, ErrClosed
	}
	if err := f.append(p, offset); err != nil {
		return 0, errors.Join(err, f.f.Truncate(offset))
	}
	f.change(func() { f.size += int64(len(p)) })
	return len(p), nil
}

func (f *File) append(p []byte, offset int64) error {
	if _, err := f.f.WriteAt(p, offset); err != nil {
		return err
	}
	if f.SyncWrites {
		return f.syncAll()
	}
	return nil
}

// change applies one change to the published state and wakes all who wait.
func (f *File) change(apply func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	apply()
	close(f.changed)
	f.changed = make(chan struct{})
}

// Changed returns a channel that is closed at the next growth, finish or close. Take it before
// looking at Size or Finished, and no wake-up is lost.
func (f *File) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

// Size returns the number of published bytes.
func (f *File) Size() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.size
}

// Finished reports whether Finish was called: Size will not change any more.
func (f *File) Finished() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.finished
}

// state returns everything that a waiting reader has to compare, from one moment.
func (f *File) state() (size int64, finished, closed bool, changed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.size, f.finished, f.closed, f.changed
}

// ReadAt reads published bytes; at the edge it returns io.EOF, whether or not more will come.
func (f *File) ReadAt(p []byte, offset int64) (int, error) {
	left := f.Size() - offset
	if left <= 0 {
		return 0, io.EOF
	}
	if int64(len(p)) <= left {
		return f.f.ReadAt(p, offset)
	}
	n, err := f.f.ReadAt(p[:left], offset)
	if err == nil {
		err = io.EOF
	}
	return n, err
}

// Truncate cuts the file to size bytes. It is for repairs before anybody follows the file: a reader
// that is already beyond size would wait for bytes that it has read.
func (f *File) Truncate(size int64) error {
	if err := f.f.Truncate(size); err != nil {
		return err
	}
	f.change(func() { f.size = size })
	return nil
}

// Finish makes the file durable and tells the followers that this is all. They are told also when
// the disk refuses: nothing more comes in either case, and nobody should wait for it.
//
// The disk says only once that it has lost something, so Finish repeats its first error for ever.
func (f *File) Finish() error {
	err := f.syncAll()
	f.change(func() {
		f.finished = true
		if f.lost == nil {
			f.lost = err
		}
		err = f.lost
	})
	return err
}

// Close releases the file. Followers of an unfinished file get ErrClosed.
func (f *File) Close() error {
	f.change(func() { f.closed = true })
	return f.f.Close()
}
