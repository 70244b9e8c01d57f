package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"

	"broadcastbot/internal/listener"
)

type account struct{ homeserver, user, room *string }

func accountFlags(flags *flag.FlagSet) account {
	return account{}
}

func findShow(ctx context.Context, words []string, a account, stdout io.Writer, log *slog.Logger) (listener.Link, listener.Options, error) {
	if len(words) == 1 {
		link, err := listener.ParseLink(words[0])
		return link, listener.Options{}, err
	}
	return listener.Link{}, listener.Options{}, errors.New("no")
}
