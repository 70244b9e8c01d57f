package gateway

import (
	"os"
	"path/filepath"
	"strings"

	"broadcastbot/internal/livefile"
)

// openShelf finds what is in dir.
func openShelf(dir string) (*shelf, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	s := &shelf{disk: disk(dir), open: make(map[string]*recording)}
	for _, entry := range entries { // sorted: a .gone comes before the .part it is about
		if err := s.restore(entry.Name()); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

// restore completes what a crash may have left half done, and opens uploads
// that are to go on.
func (s *shelf) restore(name string) error {
	ext := filepath.Ext(name)
	id := strings.TrimSuffix(name, ext)
	switch {
	case !validID(id):
		return nil // not ours
	case ext == goneFile:
		return s.disk.bury(id)
	case ext == newFile:
		return removeFile(s.disk.path(id, newFile))
	case ext == lengthFile && !s.disk.exists(id, partFile):
		return removeFile(s.disk.path(id, lengthFile))
	case ext == partFile && s.disk.exists(id, partFile):
		return s.resume(id)
	}
	return nil
}

func (s *shelf) resume(id string) error {
	length, err := s.disk.readLength(id)
	if err != nil {
		return err
	}
	file, err := livefile.Open(s.disk.path(id, partFile))
	if err != nil {
		return err
	}
	rec := newRecording(id, file, length)
	if err := s.shelve(rec); err != nil {
		return err
	}
	if file.Size() == length {
		return s.finish(rec)
	}
	return nil
}
