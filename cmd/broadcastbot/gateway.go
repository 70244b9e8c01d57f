package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"broadcastbot/internal/gateway"
	"broadcastbot/internal/recordings"
)

// runGateway runs the gateway alone, for bots elsewhere.
func runGateway(ctx context.Context, args []string, _, stderr io.Writer) error {
	c, log, err := parseServerConfig("gateway", "config `file`; only gateway, data_dir and log are used",
		(*config).checkGateway, args, stderr)
	if err != nil {
		return err
	}
	lock, err := c.lockData()
	if err != nil {
		return err
	}
	defer lock.Release()
	front, err := newGatewayFront(c, log)
	if err != nil {
		return err
	}
	return front.serve(ctx)
}

// newGatewayFront opens the port of a gateway that stands alone.
func newGatewayFront(c *config, log *slog.Logger) (*front, error) {
	f := newFront(log)
	if _, err := mountGateway(f, c, c.Gateway.UploadToken, log); err != nil {
		return nil, err
	}
	if err := f.listen(c.Gateway.Listen); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// mountGateway opens the recordings and has a gateway answer with them. Uploads present the token.
func mountGateway(f *front, c *config, token string, log *slog.Logger) (*gateway.Gateway, error) {
	catalogue, err := recordings.Open(recordings.Disk(c.recordings()))
	if err != nil {
		return nil, fmt.Errorf("open recordings in %s: %w", c.recordings(), err)
	}
	g, err := gateway.New(gateway.Options{
		Recordings: catalogue, Token: token, PublicURL: c.Gateway.PublicURL,
		MaxSize: c.Gateway.MaxSize, Embedders: c.Gateway.Embedders, Log: log,
	})
	if err != nil {
		catalogue.Close()
		return nil, err
	}
	f.mount("/", g.Handler(), g.Close)
	return g, nil
}
