// Command demo is a whole show on this machine: it starts a homeserver, the
// station as a user would run it, a speaker and a listener in an encrypted
// room, and shows what the listener hears.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"broadcastbot/internal/dendrite"
)

func main() {
	source := flag.String("source", "", "what goes on air, such as device:default; default: a spoken sample")
	keep := flag.String("keep", "", "keep all files in this `folder`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	if err := demonstrate(ctx, *source, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// demonstrate prepares everything and runs one show. Ctrl-C ends the show in
// order, so what follows it must outlive ctx.
func demonstrate(ctx context.Context, source, dir string) error {
	if dir == "" {
		temp, err := os.MkdirTemp("", "broadcastbot-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temp)
		dir = temp
	}
	if source == "" {
		sample, err := writeSample(dir)
		if err != nil {
			return err
		}
		source = "file:" + sample
	}
	server, err := startHomeserver(ctx, dir)
	if err != nil {
		return err
	}
	defer server.Stop()
	step("homeserver: %s", server.URL())

	station, err := startStation(ctx, server, dir, source)
	if err != nil {
		return err
	}
	defer station.stop()
	step("station: %s (its log: %s)", station.publicURL, station.logPath)

	people, err := invitePeople(ctx, server, dir)
	if err != nil {
		return err
	}
	defer people.leave()
	step("room: encrypted, with @radio (the bot), @alice (speaks) and @bob (listens)")
	return broadcast(ctx, station, people)
}

// step prints one line of what has been done.
func step(format string, args ...any) { fmt.Printf("• "+format+"\n", args...) }

// startHomeserver builds Dendrite if this machine has none yet, and starts it
// with three accounts.
func startHomeserver(ctx context.Context, dir string) (*dendrite.Server, error) {
	began := time.Now()
	building := time.AfterFunc(2*time.Second, func() {
		step("building the homeserver Dendrite %s; that takes some minutes, once", dendrite.Version)
	})
	home := filepath.Join(dir, "homeserver")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "homeserver.log"))
	if err != nil {
		return nil, err
	}
	server, err := dendrite.Start(ctx, dendrite.Options{Dir: home, Log: log})
	building.Stop()
	if err != nil {
		return nil, fmt.Errorf("%w (after %v, see %s)", err, time.Since(began).Round(time.Second), log.Name())
	}
	for _, user := range []string{radio, alice, bob} {
		if err := server.Register(ctx, user, password); err != nil {
			server.Stop()
			return nil, err
		}
	}
	return server, nil
}

// The accounts. The homeserver listens on the loopback interface only.
const (
	radio    = "radio"
	alice    = "alice"
	bob      = "bob"
	password = "for the demonstration only"
)
