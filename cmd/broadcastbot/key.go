package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"broadcastbot/internal/masterkey"
)

// keyVariable of the environment holds the master key, in the key file's place.
const keyVariable = "BROADCASTBOT_KEY"

// masterKey finds the key of a database: in the environment, or in a file. made is told of a file
// that had to be made.
func masterKey(path string, made func(path string)) masterkey.Source {
	if text := os.Getenv(keyVariable); text != "" {
		return masterkey.Text(keyVariable, text)
	}
	return func(needed bool) (masterkey.Key, error) {
		_, err := os.Stat(path)
		isNew := errors.Is(err, fs.ErrNotExist)
		key, err := masterkey.File(path)(needed)
		switch {
		case err == nil && isNew:
			made(path)
		case isNew && !needed:
			err = fmt.Errorf("%w: choose another place for it (key_file in the config), or give the key in %s", err, keyVariable)
		}
		return key, err
	}
}

// keyBeside is the key file of a folder: outside of it, so that a copy of the folder has no key.
func keyBeside(dir string) string { return absolute(dir) + ".key" } // "." has no name to add anything to

// absolute is the full path of a file, as far as it can be known.
func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return filepath.Clean(path)
}

// keyFile is where the station's master key is, unless the environment has it.
func (c *config) keyFile() string {
	if c.KeyFile != "" {
		return c.KeyFile
	}
	return keyBeside(c.DataDir)
}

// masterKey is the source of the station's master key.
func (c *config) masterKey(log *slog.Logger) masterkey.Source {
	if c.keyIsInData() {
		log.Warn(keyWarning, "key_file", c.keyFile())
	}
	return masterKey(c.keyFile(), func(path string) {
		log.Info("a new key was made, which encrypts all others: keep a copy of the file, but not beside copies of data_dir", "file", path)
	})
}

// keyWarning is what an admin should know of a key that is there.
const keyWarning = "the key file is inside data_dir: whoever gets a copy of the folder, such as a backup, can hear all shows"

// keyIsInData reports whether a copy of the data folder has the master key.
func (c *config) keyIsInData() bool {
	path, err := filepath.Rel(absolute(c.DataDir), absolute(c.keyFile()))
	return err == nil && filepath.IsLocal(path) && os.Getenv(keyVariable) == ""
}

// recoveryDir is where the recovery key of a new account is put: not into data_dir either, unless
// there is no other place.
func (c *config) recoveryDir() string {
	if os.Getenv(keyVariable) != "" {
		return c.DataDir
	}
	return filepath.Dir(c.keyFile())
}
