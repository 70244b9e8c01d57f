// Package bot is the Matrix side of the station: it logs in, carries what is said in rooms to
// internal/command and the answers back, and announces shows. All of it goes over the client-server
// API, encrypted where the room is.
package bot

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"

	"maunium.net/go/mautrix"

	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/command"
	"broadcastbot/internal/matrix"
	"broadcastbot/store"
)

var (
	_ broadcast.Announcer = (*Bot)(nil)
	_ broadcast.Media     = (*media)(nil)
	_ command.Rooms       = (*Bot)(nil)
)

// Options are the bot's account and whom it follows.
type Options struct {
	Homeserver  string // base URL of the client-server API
	User        string // Matrix id, such as @radio:example.org
	Password    string
	AccessToken string // in place of the password
	DeviceName  string // shown in the account's list of sessions; default "broadcastbot"
	RecoveryKey string // of the account's secret storage, to verify the session with

	Store       *store.Store // keeps the session
	RecoveryDir string       // for a recovery key that had to be made; one bot's alone

	// Trust says whose devices are obeyed and get the keys of shows.
	Trust      matrix.Trust
	Identities matrix.Identities
	// PlainRooms are the ids of rooms without encryption in which the bot works all the same.
	PlainRooms []string

	// Inviters are the users whose invitations are accepted. An invitation is what the homeserver
	// says it is: rights to speak must not follow from it.
	Inviters command.Users
	// Rights say whose shows may be on air, also after a restart with another config.
	Rights command.Rights

	Log *slog.Logger // nil discards
}

// Bot is one Matrix account at work. What it does as an Announcer, and what it says of members and
// rooms, waits until Run has logged in and knows the rooms. Its methods are an Announcer's, those
// of command.Rooms, and the ways in which all of them send.
type Bot struct {
	options Options
	session *matrix.Session
	client  *mautrix.Client // the session's
	media   *media
	chats   *directChats
	voices  *Voices
	log     *slog.Logger
}

// New checks the options. It connects to nothing and starts nothing: see Run.
func New(o Options) (*Bot, error) {
	if err := o.Inviters.Check(); err != nil {
		return nil, fmt.Errorf("bot: inviters: %w", err)
	}
	log := cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	session, err := matrix.NewSession(o.account(), log)
	if err != nil {
		return nil, fmt.Errorf("bot: %w", err)
	}
	return &Bot{
		options: o, session: session, client: session.Client, log: log,
		media: &media{client: session.Client, log: log},
		chats: newDirectChats(session, log), voices: newVoices(session.Client),
	}, nil
}

func (o *Options) account() matrix.Account {
	return matrix.Account{
		Homeserver: o.Homeserver, User: o.User, Password: o.Password, AccessToken: o.AccessToken,
		DeviceName: o.DeviceName, RecoveryKey: o.RecoveryKey, Trust: o.Trust, Identities: o.Identities,
		Store: o.Store, RecoveryDir: o.RecoveryDir,
	}
}

// Media returns the account's files at the homeserver.
func (b *Bot) Media() broadcast.Media { return b.media }

// Run logs in, verifies the session, and follows the rooms until ctx ends; it returns nil then.
// Every other end is an error that says what to do. Commands that are being carried out are waited
// for. A bot runs once; what it announces it can still announce afterwards.
func (b *Bot) Run(ctx context.Context, commands *command.Processor) error {
	h := newEventHandler(b, commands)
	moderation := newModeration(h)
	err := b.session.Run(ctx, func() error {
		if err := h.loadRooms(ctx); err != nil {
			return err
		}
		b.chats.load(ctx)
		h.subscribe(ctx)
		moderation.subscribe(b.client.Syncer.(mautrix.ExtensibleSyncer))
		b.log.Info("connected", "user", b.client.UserID, "device", b.client.DeviceID)
		return nil
	})
	moderation.wait()
	return err
}
