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
	flags := newFlags("gateway", "-config FILE", stderr)
	path := flags.String("config", "", "config `file`; only gateway, data_dir and log are used")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	c, err := loadConfig(*path)
	if err != nil {
		return err
	}
	if err := c.checkGateway(); err != nil {
		return fmt.Errorf("the config is not complete:\n%w", err)
	}
	log, err := newLogger(stderr, c.Log)
	if err != nil {
		return err
	}
	front, err := newGatewayFront(c, c.Gateway.UploadToken, log)
	if err != nil {
		return err
	}
	return front.serve(ctx)
}

// newGatewayFront opens the recordings and the port on which the gateway answers.
func newGatewayFront(c *config, token string, log *slog.Logger) (*front, error) {
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
	f := newFront(log)
	f.mount("/", g.Handler(), g.Close)
	if err := f.listen(c.Gateway.Listen); err != nil {
		return nil, errors.Join(fmt.Errorf("gateway.listen: %w", err), f.close())
	}
	return f, nil
}
