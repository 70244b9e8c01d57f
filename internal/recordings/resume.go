package recordings

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"broadcastbot/internal/livefile"
)

// Resume implements [Storage].
func (d Disk) Resume() ([]Unfinished, error) {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, entry := range entries { // sorted: a .gone comes before the .part it is about
		ext := filepath.Ext(entry.Name())
		id := strings.TrimSuffix(entry.Name(), ext)
		if !validID(id) {
			continue // not ours
		}
		if err := d.repair(id, ext); err != nil {
			return nil, err
		}
		if ext == partFile && d.exists(id, partFile) {
			ids = append(ids, id)
		}
	}
	return d.openGrowing(ids)
}

// repair completes what a crash has left half done, of which one file is the sign.
func (d Disk) repair(id, ext string) error {
	switch {
	case ext == goneFile && (d.exists(id, partFile) || d.exists(id, lengthFile) || d.exists(id, doneFile)):
		return d.Remove(id)
	case ext == newFile:
		return removeFile(d.path(id, newFile))
	case ext == lengthFile && !d.exists(id, partFile):
		return removeFile(d.path(id, lengthFile))
	}
	return nil
}

// openGrowing opens all these recordings to be appended to, or none.
func (d Disk) openGrowing(ids []string) (all []Unfinished, err error) {
	for _, id := range ids {
		length, lengthErr := d.length(id)
		file, fileErr := livefile.Open(d.path(id, partFile))
		if fileErr == nil {
			all = append(all, Unfinished{id, length, file})
		}
		err = errors.Join(err, lengthErr, fileErr)
	}
	if err != nil {
		for _, u := range all {
			err = errors.Join(err, u.Content.Close())
		}
		return nil, err
	}
	return all, nil
}
