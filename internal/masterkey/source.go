package masterkey

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"broadcastbot/internal/livefile"
)

// IfLost is the advice for those who have no copy of their key.
const IfLost = "if it is lost, move the database away and start with a new one (the bot then logs in anew, so have its recovery key at hand; shows so far can be heard by their links only)"

// Source finds the master key. needed means that something is sealed under it already, so that a new
// one would be of no use.
type Source func(needed bool) (Key, error)

// Text is a source that reads the key from a text. name says where that stands, such as a variable of
// the environment.
func Text(name, text string) Source {
	return func(bool) (Key, error) {
		key, err := Parse(text)
		if err != nil {
			return Key{}, fmt.Errorf("%s is no key: %w", name, err)
		}
		return key, nil
	}
}

// File is a source that reads the key from a file, which nobody but its owner's group may read. If
// there is no file, and no key is needed yet, it makes both.
func File(path string) Source {
	return func(needed bool) (Key, error) {
		key, err := readFile(path)
		switch {
		case !errors.Is(err, fs.ErrNotExist):
			return key, err
		case needed:
			return Key{}, fmt.Errorf("the key file %s is missing, and the keys that are stored are encrypted with it: put the file back; %s", path, IfLost)
		}
		key = New()
		if err := writeFile(path, key); err != nil {
			return Key{}, fmt.Errorf("make the key file: %w", err)
		}
		return key, nil
	}
}

// othersMayUse are the modes that let strangers read a file, or the group replace what is in it.
// Files that orchestrators provide are often readable for a group.
const othersMayUse = 0o027

func readFile(path string) (Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Key{}, fmt.Errorf("read the key file: %w", err)
	}
	if info.Mode().Perm()&othersMayUse != 0 {
		return Key{}, fmt.Errorf("the key file %s is open to others (mode %04o): chmod 600 it, and think of who may have read it", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Key{}, fmt.Errorf("read the key file: %w", err)
	}
	key, err := Parse(withoutComments(text))
	if err != nil {
		return Key{}, fmt.Errorf("the key file %s holds no key: %w", path, err)
	}
	return key, nil
}

// comment is what a new key file says of itself.
const comment = `# This key opens the database of broadcastbot: with it, the keys of all shows, and the Matrix session.
# Whoever has this file and the database has them. Keep a copy, but not where the database's copies are.
`

// withoutComments returns the text without the lines that begin with #.
func withoutComments(text []byte) string {
	var rest []byte
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(line, []byte("#")) {
			rest = append(rest, line...)
		}
	}
	return string(rest)
}

// writeFile makes a file that was not there, and returns when a power cut cannot take it any more:
// what is sealed under a lost key is lost.
func writeFile(path string, key Key) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(comment + key.text() + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return livefile.SyncDir(filepath.Dir(path))
}
