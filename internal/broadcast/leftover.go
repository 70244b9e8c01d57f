package broadcast

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"broadcastbot/internal/livefile"
	"broadcastbot/internal/retry"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
)

// leftover is how far a spool got before the crash.
type leftover struct {
	reader   *opusblocks.Reader  // that has read all of it
	position opusblocks.Position // behind the last block that is good
	head     opusblocks.Head
	ended    bool      // its end is on it
	damage   error     // what came behind it, other than the beginning of a block
	written  time.Time // the last block, as far as the disk and the file itself say
	captured time.Time // what the last checkpoint says, or when the show began
}

// errUnreadable is why nothing can be made of a recording.
var errUnreadable = errors.New("nothing of the recording can be read")

// openTrack opens a spool and cuts off what is behind its last whole block. A
// block that is only begun was never published, so nobody has seen it. The error
// is permanent where there is nothing to be opened.
func openTrack(recorded *store.Track, path string) (*track, leftover, error) {
	var left leftover
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, left, retry.Permanent(err)
	}
	if err != nil {
		return nil, left, err
	}
	left.written = info.ModTime()
	spool, err := livefile.Open(path)
	if err != nil {
		return nil, left, err
	}
	spool.SyncWrites = true
	t := newTrack(recorded, path)
	t.spool = spool
	if err := left.measure(t); err != nil {
		spool.Close()
		return nil, left, err
	}
	t.preSkip, t.end, t.clock.earliest = left.head.PreSkip, left.position, left.captured
	return t, left, nil
}

// measure reads the spool and truncates it behind what is good.
func (l *leftover) measure(t *track) (err error) {
	blocks := t.form.NewReader(io.NewSectionReader(t.spool, 0, t.spool.Size()))
	if l.head, err = blocks.Head(); err != nil {
		return unreadable(err)
	}
	for err == nil {
		_, err = blocks.ReadBlock()
	}
	l.ended = err == io.EOF
	switch {
	case isDisk(err):
		return err
	case !l.ended && !errors.Is(err, opusblocks.ErrCutOff):
		l.damage = err
	}
	l.reader, l.position = blocks, blocks.Position()
	if err := l.cut(t); err != nil {
		return err
	}
	// A disk that was restored may say that all of it was written just now.
	l.captured = l.head.Started
	if last, ok := blocks.Checkpoint(); ok {
		l.captured = last.Time
		if last.Time.Before(l.written) {
			l.written = last.Time
		}
	}
	return nil
}

// cut truncates the spool behind what is good. Its time stays what it was, because
// that is when the show was written. What is behind damage may be sound, so a copy
// of all of it is kept.
func (l *leftover) cut(t *track) error {
	if t.spool.Size() == l.position.Offset {
		return nil
	}
	if l.damage != nil {
		if err := keepCopy(t.path); err != nil {
			return err
		}
	}
	if err := t.spool.Truncate(l.position.Offset); err != nil {
		return err
	}
	return os.Chtimes(t.path, time.Time{}, l.written)
}

// damagedFile is what the name of such a copy ends with.
const damagedFile = ".damaged"

// keepCopy copies the file at path beside it, all of it or nothing.
func keepCopy(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	copied, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	_, err = io.Copy(copied, file)
	err = errors.Join(err, copied.Sync(), copied.Close())
	if err == nil {
		err = os.Rename(copied.Name(), path+damagedFile)
	}
	if err != nil {
		os.Remove(copied.Name())
	}
	return err
}

// unreadable tells a file that is damaged, for good, from a disk that may read
// it next time.
func unreadable(err error) error {
	if isDisk(err) {
		return err
	}
	return retry.Permanent(fmt.Errorf("%w: %w", errUnreadable, err))
}

// isDisk reports whether the file could not be read, and not what is in it.
func isDisk(err error) bool {
	var at *fs.PathError
	return errors.As(err, &at)
}
