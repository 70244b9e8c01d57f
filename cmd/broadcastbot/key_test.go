package main

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// openStation makes a station and ends it again. It returns what the station has logged.
func openStation(t *testing.T, c *config) (string, error) {
	t.Helper()
	var log bytes.Buffer
	s, err := newStation(t.Context(), c, slog.New(slog.NewTextHandler(&log, nil)))
	if err == nil {
		mustCloseStation(t, s)
	}
	return log.String(), err
}

// TestKeyFile: it is made at the first start, outside of the data folder, for the owner only; the next
// start needs it.
func TestKeyFile(t *testing.T) {
	c := mustConfig(t)
	c.DataDir = filepath.Join(t.TempDir(), "data")
	said, err := openStation(t, c)
	if err != nil {
		t.Fatal(err)
	}
	path := c.DataDir + ".key"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("the key file has mode %v", info.Mode())
	}
	key := string(text[len(text)-20 : len(text)-1])
	if !strings.Contains(said, path) || strings.Contains(said, key) || strings.Contains(said, "level=WARN") {
		t.Errorf("the log says %s", said)
	}
	if said, err := openStation(t, c); err != nil || strings.Contains(said, path) {
		t.Errorf("the second start: %v %s", err, said)
	}

	for name, spoil := range map[string]func() error{
		"is missing":  func() error { return os.Remove(path) },
		"another key": func() error { return os.WriteFile(path, []byte(strings.Repeat("A", 43)), 0o600) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		_, err := openStation(t, c)
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "if it is lost") || strings.Contains(err.Error(), key) {
			t.Errorf("%v, want one that says %q and what to do", err, name)
		}
	}
	t.Setenv(keyVariable, strings.Fields(string(text[bytes.LastIndexByte(text[:len(text)-1], '\n'):]))[0])
	if _, err := openStation(t, c); err != nil {
		t.Error("the key from the environment:", err)
	}
}

// TestKeyFileThatCannotBeMade: as where data_dir is a volume, with nothing writable beside it.
func TestKeyFileThatCannotBeMade(t *testing.T) {
	c := mustConfig(t)
	c.KeyFile = filepath.Join(t.TempDir(), "missing", "key")
	if _, err := openStation(t, c); err == nil || !strings.Contains(err.Error(), "make the key file") || !strings.Contains(err.Error(), "key_file in the config") {
		t.Error(err)
	}
}

func TestKeyFromTheEnvironment(t *testing.T) {
	t.Setenv(keyVariable, base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("hunter22"), 4)))
	c := mustConfig(t)
	if _, err := openStation(t, c); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(c.keyFile()); err == nil {
		t.Error("there is a key file all the same")
	}
	t.Setenv(keyVariable, "hunter2")
	if _, err := openStation(t, c); err == nil || !strings.Contains(err.Error(), "openssl rand -base64 32") || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}

// TestKeyInTheDataFolder: whoever wants it there gets it, and is warned.
func TestKeyInTheDataFolder(t *testing.T) {
	c := mustConfig(t)
	for path, warned := range map[string]bool{
		filepath.Join(c.DataDir, "key"): true, c.DataDir + "/../" + filepath.Base(c.DataDir) + "/key2": true, filepath.Join(t.TempDir(), "key"): false, "": false,
	} {
		c := *c
		c.KeyFile = path
		if got := c.keyIsInData(); got != warned {
			t.Errorf("key_file %q: warned %v, want %v", path, got, warned)
		}
	}
	c.KeyFile = filepath.Join(c.DataDir, "key")
	said, err := openStation(t, c)
	if err != nil || !strings.Contains(said, "level=WARN") {
		t.Errorf("%v %s", err, said)
	}
}
