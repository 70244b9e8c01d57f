package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"os"

	"golang.org/x/sync/errgroup"

	"broadcastbot/capture"
	"broadcastbot/internal/bot"
	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/command"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

// runStation runs the bot and, unless the config names another one, its gateway.
func runStation(ctx context.Context, args []string, _, stderr io.Writer) error {
	flags := newFlags("run", "-config FILE", stderr)
	path := flags.String("config", "", "config `file`; without one, defaults and the environment")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	c, err := loadConfig(*path)
	if err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return fmt.Errorf("the config is not complete:\n%w", err)
	}
	log, err := newLogger(stderr, c.Log)
	if err != nil {
		return err
	}
	for _, room := range c.plainRooms() {
		log.Warn(plainWarning, "room", room)
	}
	s, err := newStation(ctx, c, log)
	if err != nil {
		return err
	}
	defer s.store.Close()
	return s.run(ctx)
}

// station is everything that broadcastbot run runs.
type station struct {
	store    *store.Store
	front    *front // nil where the gateway is elsewhere
	bot      *bot.Bot
	manager  *broadcast.Manager
	commands *command.Processor
}

// newStation opens files and ports and starts nothing.
func newStation(ctx context.Context, c *config, log *slog.Logger) (*station, error) {
	if err := os.MkdirAll(c.spools(), 0o700); err != nil {
		return nil, fmt.Errorf("data_dir: %w", err)
	}
	db, err := store.Open(ctx, c.database())
	if err != nil {
		return nil, err
	}
	s := &station{store: db}
	if err := s.addParts(c, log); err != nil {
		db.Close()
		return nil, err
	}
	return s, nil
}

// addParts makes the parts of the station and gives each of them those that it needs.
func (s *station) addParts(c *config, log *slog.Logger) (err error) {
	s.bot, err = bot.New(bot.Options{
		Homeserver: c.Homeserver, User: c.User, Password: c.Password, AccessToken: c.AccessToken,
		DeviceName: c.DeviceName, RecoveryKey: c.RecoveryKey, DB: s.store.DB(), DataDir: c.DataDir,
		Inviters: c.Inviters, Log: log,
	})
	if err != nil {
		return err
	}
	uploads, err := s.openGateway(c, log)
	if err != nil {
		return err
	}
	sources := c.sources()
	s.manager = broadcast.NewManager(broadcast.Options{
		Store: s.store, Announcer: s.bot, Media: s.bot.Media(), Gateway: uploads, PublicURL: c.Gateway.PublicURL,
		SpoolDir: c.spools(), DefaultSource: c.Source,
		BlockDuration: c.Audio.Block, ResumeWithin: c.ResumeWithin,
		OpenSource: func(ctx context.Context, spec string) (capture.Source, error) {
			return sources.Open(ctx, spec, capture.Options{Encoder: c.Audio.encoder(), Log: log})
		},
		IsLive: sources.IsLive,
		Log:    log,
	})
	s.commands, err = command.New(command.Options{
		Broadcasts: s.manager, Rights: command.Rights{Speakers: c.Speakers, Power: c.SpeakerPower}, Sources: sources,
		PlainRooms: c.plainRooms(), IsEncrypted: s.bot.IsEncrypted, Log: log,
	})
	return err
}

// openGateway returns where shows are uploaded to: the gateway that the config names, or one
// of this program, on the front.
func (s *station) openGateway(c *config, log *slog.Logger) (*uploader.Tus, error) {
	uploads := &uploader.Tus{Client: newHTTPClient(), Endpoint: c.Gateway.Remote + "/upload", Token: c.Gateway.UploadToken}
	if c.Gateway.Remote != "" {
		return uploads, nil
	}
	if uploads.Token == "" {
		uploads.Token = rand.Text() // nobody else has to know it
	}
	front, err := newGatewayFront(c, uploads.Token, log)
	if err != nil {
		return nil, err
	}
	s.front = front
	uploads.Endpoint = front.localURL() + "/upload"
	return uploads, nil
}

// run runs all parts until ctx ends or one of them fails. They end in the order in which they
// need each other: first the shows, which still upload and tell their rooms, then the bot,
// then the front.
func (s *station) run(ctx context.Context) error {
	parts, ctx := errgroup.WithContext(ctx)
	lasting := context.WithoutCancel(ctx)
	frontCtx, stopFront := context.WithCancel(lasting)
	botCtx, stopBot := context.WithCancel(lasting)
	if s.front != nil {
		parts.Go(func() error { return s.front.serve(frontCtx) })
	}
	parts.Go(func() error { return s.bot.Run(botCtx, s.commands) })
	parts.Go(func() error {
		defer stopFront()
		defer stopBot()
		return s.manager.Run(ctx)
	})
	return parts.Wait()
}
