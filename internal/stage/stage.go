//go:build unix

// Package stage sets up a whole station on the loopback interface, out of real
// parts: the homeserver Dendrite, broadcastbot as a process of its own, and two
// persons with Matrix clients in an encrypted room with the bot. The
// demonstration and the end-to-end tests play on it.
package stage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"broadcastbot/internal/dendrite"
)

// The accounts. The homeserver listens on the loopback interface only.
const (
	radio    = "radio"
	alice    = "alice"
	bob      = "bob"
	Password = "for the loopback interface only" // of every account
)

// Homeserver starts Dendrite, building it if this machine has none yet, with
// the three accounts. Its data and log are in dir.
func Homeserver(ctx context.Context, dir string) (*dendrite.Server, error) {
	home := filepath.Join(dir, "homeserver")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "homeserver.log"))
	if err != nil {
		return nil, err
	}
	server, err := dendrite.Start(ctx, dendrite.Options{Dir: home, Log: log})
	if err != nil {
		return nil, fmt.Errorf("%w (see %s)", err, log.Name())
	}
	for _, user := range []string{radio, alice, bob} {
		if err := server.Register(ctx, user, Password); err != nil {
			server.Stop()
			return nil, err
		}
	}
	return server, nil
}

// Program builds broadcastbot from the sources around the current folder.
func Program(ctx context.Context, dir string) (path string, err error) {
	path = filepath.Join(dir, "broadcastbot")
	build := command(ctx, "go", "build", "-tags", "goolm", "-o", path, "broadcastbot/cmd/broadcastbot")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build broadcastbot: %w\n%s", err, out)
	}
	return path, nil
}
