package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"golang.org/x/sync/errgroup"

	"broadcastbot/capture"
	"broadcastbot/internal/bot"
	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/command"
	"broadcastbot/internal/gateway"
	"broadcastbot/internal/ingest/studioline"
	"broadcastbot/internal/matrix"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

// runStation runs the bot and, unless the config names another one, its gateway.
func runStation(ctx context.Context, args []string, _, stderr io.Writer) error {
	c, log, err := parseServerConfig("run", "config `file`; without one, defaults and the environment",
		(*config).check, args, stderr)
	if err != nil {
		return err
	}
	for _, room := range c.plainRooms() {
		log.Warn(plainWarning, "room", room)
	}
	if c.Trust == matrix.AnyDevice {
		log.Warn("trust is any: the homeserver can speak for everybody, and can give itself the keys of all shows")
	}
	if c.hasDeafStudio() {
		log.Warn(studioWarning)
	}
	lock, err := c.lockData()
	if err != nil {
		return err
	}
	defer lock.Release()
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
	front    *front
	bot      *bot.Bot
	manager  *broadcast.Manager
	commands *command.Processor
	gateway  *gateway.Gateway // nil: it is elsewhere
	studio   *studioline.Studio
	programs programPort
	stdin    stdin
}

// newStation opens files and ports and starts nothing.
func newStation(ctx context.Context, c *config, log *slog.Logger) (*station, error) {
	if err := os.MkdirAll(c.spools(), 0o700); err != nil {
		return nil, fmt.Errorf("data_dir: %w", err)
	}
	db, err := store.Open(ctx, c.database(), c.masterKey(log))
	if err != nil {
		return nil, err
	}
	c.chooseSource(capture.HasMicrophone, log)
	s := &station{store: db, front: newFront(log), stdin: newStdin(c, log)}
	if err := s.addParts(c, log); err != nil {
		return nil, errors.Join(err, s.front.close(), db.Close())
	}
	return s, nil
}

// addParts makes the parts of the station and gives each of them those that it needs.
func (s *station) addParts(c *config, log *slog.Logger) (err error) {
	s.bot, err = bot.New(bot.Options{
		Homeserver: c.Homeserver, User: c.User, Password: c.Password, AccessToken: c.AccessToken,
		DeviceName: c.DeviceName, RecoveryKey: c.RecoveryKey, Store: s.store, RecoveryDir: c.recoveryDir(),
		Inviters: c.Inviters, Rights: c.rights(), Trust: c.Trust, Identities: c.Identities, PlainRooms: c.plainRooms(), Log: log,
	})
	if err != nil {
		return err
	}
	token := cmp.Or(c.Gateway.UploadToken, rand.Text()) // nobody else has to know that of our own gateway
	if err := s.openFront(c, token, log); err != nil {
		return err
	}
	sources := s.kinds(c)
	s.manager = broadcast.NewManager(broadcast.Options{
		Store: s.store, Announcer: s.bot, Media: s.bot.Media(), Gateway: s.uploads(c, token), PublicURL: c.Gateway.PublicURL,
		SpoolDir: c.spools(), DefaultSource: c.Source,
		BlockDuration: c.Audio.Block, ResumeWithin: c.ResumeWithin,
		OpenSource: func(ctx context.Context, spec string, o capture.Options) (capture.Source, error) {
			o.Encoder, o.Stdin, o.Log = c.Audio.encoder(), s.stdin.feed, log
			return sources.Open(ctx, spec, o)
		},
		IsLive: sources.IsLive, Late: sources.Late,
		Log: log,
	})
	s.commands, err = command.New(command.Options{
		Broadcasts: s.manager, Rights: c.rights(), Sources: sources,
		Source:     c.Source,
		PlainRooms: c.plainRooms(), Rooms: s.bot, Programs: s.programCommands(c), Log: log,
	})
	return err
}

// openFront mounts the parts that answer requests, and opens the port if there are any.
func (s *station) openFront(c *config, token string, log *slog.Logger) (err error) {
	if c.Gateway.Remote == "" {
		if s.gateway, err = mountGateway(s.front, c, token, log); err != nil {
			return err
		}
	}
	s.openStudio(c, log)
	if err := s.openPrograms(c, log); err != nil {
		return err
	}
	return s.front.listen(c.Gateway.Listen)
}

// uploads is where shows are uploaded to: the gateway that the config names, or that of this program.
func (s *station) uploads(c *config, token string) *uploader.Tus {
	gateway := c.Gateway.Remote
	if gateway == "" {
		gateway = s.front.localURL()
	}
	return &uploader.Tus{Client: newHTTPClient(), Endpoint: gateway + "/upload", Token: token}
}

// run runs all parts until ctx ends or one of them fails. Shows end first, because they still upload
// and tell their rooms; then the bot and the front, side by side.
func (s *station) run(ctx context.Context) error {
	parts, ctx := errgroup.WithContext(ctx)
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	parts.Go(func() error { return s.stdin.run(serving) })
	parts.Go(func() error { return s.front.serve(serving) })
	parts.Go(func() error { return s.programs.run(serving) })
	parts.Go(func() error { return s.bot.Run(serving, s.commands) })
	parts.Go(func() error {
		defer stopServing()
		return s.manager.Run(ctx)
	})
	return parts.Wait()
}
