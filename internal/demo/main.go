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
	"syscall"
	"time"

	"broadcastbot/internal/dendrite"
	"broadcastbot/internal/stage"
)

func main() {
	source := flag.String("source", "", "what goes on air, such as studio or device:default; default: a spoken sample")
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
	defer station.Stop()
	step("station: %s (its log: %s)", station.PublicURL, station.LogPath)

	people, err := stage.Invite(ctx, server, dir)
	if err != nil {
		return err
	}
	defer people.Leave()
	step("room: encrypted, with @radio (the bot), @alice (speaks) and @bob (listens)")
	return broadcast(ctx, station, people)
}

// step prints one line of what has been done.
func step(format string, args ...any) { fmt.Printf("• "+format+"\n", args...) }

// startHomeserver says why it takes long, the first time.
func startHomeserver(ctx context.Context, dir string) (*dendrite.Server, error) {
	building := time.AfterFunc(2*time.Second, func() {
		step("building the homeserver Dendrite %s; that takes some minutes, once", dendrite.Version)
	})
	defer building.Stop()
	return stage.Homeserver(ctx, dir)
}

func startStation(ctx context.Context, server *dendrite.Server, dir, source string) (*stage.Station, error) {
	program, err := stage.Program(ctx, dir)
	if err != nil {
		return nil, err
	}
	station, err := stage.NewStation(server, program, dir, source)
	if err != nil {
		return nil, err
	}
	return station, station.Start(ctx)
}
