// Package bot is the Matrix side of the station: it logs in, takes commands in
// rooms, and announces shows there.
//
// What a command means is in commands.go and live.go and knows nothing of
// Matrix; what a room gets to see of a show is in announcement.go. The rest
// carries these over the client-server API, encrypted where the room is.
package bot

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"

	"broadcastbot/capture"
	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/matrix"
	"broadcastbot/store"
)

// Broadcasts is what the commands control. *broadcast.Manager is the real one.
type Broadcasts interface {
	Start(ctx context.Context, r broadcast.Request) (b store.Broadcast, started bool, err error)
	Stop(ctx context.Context, room string) (store.Broadcast, error)
	Status(room string) (broadcast.Status, bool)
}

var (
	_ Broadcasts          = (*broadcast.Manager)(nil)
	_ broadcast.Announcer = (*Bot)(nil)
)

// Options are the bot's account and manners. Whoever may invite the bot has all
// power in a room of their own: SpeakerPower trusts the Inviters.
type Options struct {
	Homeserver  string // base URL of the client-server API
	User        string // Matrix id, such as @radio:example.org
	Password    string
	AccessToken string // in place of the password
	DeviceName  string // shown in the account's list of sessions; default "broadcastbot"
	RecoveryKey string // of the account's secret storage, to verify the session with

	DB      *sql.DB // SQLite, shared with the store
	DataDir string  // where a recovery key is left that had to be made

	Inviters     []string // patterns of users whose invitations are accepted
	Speakers     []string // patterns of users who may go on air in any room
	SpeakerPower int      // power level that may go on air in its room; 0 is 50, above 100 is nobody

	Sources    capture.Kinds // that a command may name
	PlainRooms []string      // ids of rooms whose shows are not encrypted

	Log *slog.Logger // nil discards
}

// Bot is one Matrix account at work. Its methods as an Announcer wait until
// Run has logged in and knows the rooms.
type Bot struct {
	options Options
	access  access
	session *matrix.Session
	client  *mautrix.Client // the session's
	log     *slog.Logger

	started time.Time // older messages are not for us
	rooms   rooms
	running sync.WaitGroup // commands and joins

	cannotReserve atomic.Bool // the homeserver lacks MSC2246
}

// New checks the options. It connects to nothing and starts nothing: see Run.
func New(o Options) (*Bot, error) {
	if o.DataDir == "" {
		return nil, errors.New("bot: a data folder is needed")
	}
	access, err := newAccess(o)
	if err != nil {
		return nil, fmt.Errorf("bot: %w", err)
	}
	log := cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	session, err := matrix.NewSession(o.account(), log)
	if err != nil {
		return nil, fmt.Errorf("bot: %w", err)
	}
	return &Bot{
		options: o, access: access, session: session, client: session.Client, log: log,
		rooms: newRooms(),
	}, nil
}

func (o *Options) account() matrix.Account {
	return matrix.Account{
		Homeserver: o.Homeserver, User: o.User, Password: o.Password, AccessToken: o.AccessToken,
		DeviceName: o.DeviceName, DB: o.DB,
	}
}

// Run logs in, verifies the session, and follows the rooms until ctx ends; it
// returns nil then. Every other end is an error that says what to do. Commands
// that are being carried out are waited for. A bot runs once; what it announces
// it can still announce afterwards.
func (b *Bot) Run(ctx context.Context, broadcasts Broadcasts) error {
	b.started = time.Now()
	err := b.session.Run(ctx, func(machine *crypto.OlmMachine) error {
		if err := b.verifySession(ctx, machine); err != nil {
			return err
		}
		if err := b.learnRooms(ctx); err != nil {
			return err
		}
		b.listen(&station{broadcasts: broadcasts, access: b.access, sources: b.options.Sources, plain: b.showsArePlain, log: b.log})
		b.log.Info("connected", "user", b.client.UserID, "device", b.client.DeviceID)
		return nil
	})
	b.running.Wait()
	return err
}
