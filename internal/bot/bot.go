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
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/broadcast"
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
	PickleKey   []byte // seals the session's keys in DB; without one the file itself is the secret

	DB      *sql.DB // SQLite, shared with the store
	DataDir string  // where a recovery key is left that had to be made

	Inviters     []string // patterns of users whose invitations are accepted
	Speakers     []string // patterns of users who may go on air in any room
	SpeakerPower int      // power level that may go on air in its room; 0 is 50, 101 is nobody
	MediaDir     string   // the only folder that file: sources of a command may name; "" allows none

	Log *slog.Logger // nil discards
}

// Bot is one Matrix account at work. Its methods as an Announcer wait until
// Run has logged in and knows the rooms.
type Bot struct {
	options Options
	access  access
	client  *mautrix.Client
	log     *slog.Logger

	started time.Time     // older messages are not for us
	ready   chan struct{} // closed after the first sync
	ended   chan struct{} // closed when Run has returned
	rooms   rooms
	running sync.WaitGroup // commands and joins

	cannotReserve atomic.Bool // the homeserver lacks MSC2246
}

// New checks the options. It connects to nothing and starts nothing: see Run.
func New(o Options) (*Bot, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("bot: %w", err)
	}
	access, err := newAccess(o)
	if err != nil {
		return nil, fmt.Errorf("bot: %w", err)
	}
	client, err := mautrix.NewClient(o.Homeserver, id.UserID(o.User), o.AccessToken)
	if err != nil {
		return nil, fmt.Errorf("bot: homeserver: %w", err)
	}
	log := cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	client.Client = &http.Client{Transport: newTransport()}
	client.Log = zerologTo(log)
	client.DefaultHTTPRetries = 2
	client.MaxHTTPBackoff = time.Minute // a server may ask to wait for a day
	return &Bot{
		options: o, access: access, client: client, log: log,
		ready: make(chan struct{}), ended: make(chan struct{}),
		rooms: newRooms(),
	}, nil
}

func (o *Options) check() error {
	o.DeviceName = cmp.Or(o.DeviceName, "broadcastbot")
	if u, err := url.Parse(o.Homeserver); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return fmt.Errorf("homeserver %q is not a URL such as https://matrix.example.org", o.Homeserver)
	}
	if _, _, err := id.UserID(o.User).ParseAndValidateRelaxed(); err != nil {
		return fmt.Errorf("user %q is not a Matrix id such as @radio:example.org", o.User)
	}
	if (o.Password == "") == (o.AccessToken == "") {
		return errors.New("either a password or an access token is needed, and not both")
	}
	if o.DB == nil || o.DataDir == "" {
		return errors.New("a database and a data folder are needed")
	}
	return nil
}

// newTransport has no limit on a whole request, because an upload may take
// long. It notices a silent server all the same.
func newTransport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = 3 * time.Minute
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second}
	return t
}

// Run logs in, verifies the session, and follows the rooms until ctx ends; it
// returns nil then. Every other end is an error that says what to do. Commands
// that are being carried out are waited for. A bot runs once; what it announces
// it can still announce afterwards.
func (b *Bot) Run(ctx context.Context, broadcasts Broadcasts) error {
	defer close(b.ended)
	b.started = time.Now()
	machine, err := b.logIn(ctx)
	if err != nil {
		return err
	}
	if err := b.verifySession(ctx, machine); err != nil {
		return err
	}
	if err := b.learnRooms(ctx); err != nil {
		return err
	}
	b.listen(&station{broadcasts: broadcasts, access: b.access, log: b.log})
	b.log.Info("connected", "user", b.client.UserID, "device", b.client.DeviceID)

	err = b.client.SyncWithContext(ctx)
	b.running.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return b.explain(err)
}

// awaitReady returns when messages can be sent, or never could.
func (b *Bot) awaitReady(ctx context.Context) error {
	select {
	case <-b.ready:
	case <-b.ended:
	case <-ctx.Done():
		return fmt.Errorf("wait for the homeserver: %w", context.Cause(ctx))
	}
	select {
	case <-b.ready: // before the end, if it came
		return nil
	default:
		return errors.New("the bot is not connected to its homeserver")
	}
}
