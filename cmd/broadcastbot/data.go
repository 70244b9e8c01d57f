package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"broadcastbot/internal/dirlock"
)

// The places of things inside the data folder.
func (c *config) database() string   { return filepath.Join(c.DataDir, "broadcastbot.db") }
func (c *config) spools() string     { return filepath.Join(c.DataDir, "spool") }
func (c *config) recordings() string { return filepath.Join(c.DataDir, "recordings") }

// lockData makes the data folder this process's alone. Two stations on one folder would seal
// different sound under the same numbers of one key.
func (c *config) lockData() (*dirlock.Lock, error) {
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("data_dir: %w", err)
	}
	lock, err := dirlock.Acquire(c.DataDir)
	if errors.Is(err, dirlock.ErrInUse) {
		return nil, fmt.Errorf("data_dir: %w: stop it first, or give each its own data_dir", err)
	}
	if err != nil {
		return nil, fmt.Errorf("data_dir: %w", err)
	}
	return lock, nil
}
