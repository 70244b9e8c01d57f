// Package matrix is one account's session at a homeserver, with end-to-end
// encryption: what the bot and a person who listens have in common.
package matrix

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/store"
)

// Account says who logs in, and where the session is kept.
type Account struct {
	Homeserver  string // base URL of the client-server API
	User        string // Matrix id, such as @radio:example.org
	Password    string
	AccessToken string // in place of the password
	DeviceName  string // shown in the account's list of sessions; default "broadcastbot"

	RecoveryKey string // of the account's secret storage, to verify the session with
	Trust       Trust  // whose keys count, and who gets ours
	Identities  Identities

	Store       *store.Store // keeps the device and its keys from one run to the next
	RecoveryDir string       // for a recovery key that had to be made
}

func (a *Account) check() error {
	a.DeviceName = cmp.Or(a.DeviceName, "broadcastbot")
	if u, err := url.Parse(a.Homeserver); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return fmt.Errorf("homeserver %q is not a URL such as https://matrix.example.org", a.Homeserver)
	}
	if _, _, err := id.UserID(a.User).ParseAndValidateRelaxed(); err != nil {
		return fmt.Errorf("user %q is not a Matrix id such as @radio:example.org", a.User)
	}
	if (a.Password == "") == (a.AccessToken == "") {
		return errors.New("either a password or an access token is needed, and not both")
	}
	if a.Store == nil {
		return errors.New("a database is needed")
	}
	if a.RecoveryDir == "" {
		return errors.New("a folder for a recovery key is needed")
	}
	return a.Identities.Check()
}

// Session is an account at work.
type Session struct {
	Client *mautrix.Client

	account  Account
	machine  *crypto.OlmMachine // since the login
	identity Identity           // valid once ready
	leftOut  func(id.RoomID, []id.UserID)
	log      *slog.Logger
	ready    chan struct{} // closed after the first sync
	ended    chan struct{} // closed when Run has returned
}

// NewSession checks the account. It connects to nothing: see Run.
func NewSession(a Account, log *slog.Logger) (*Session, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	client, err := mautrix.NewClient(a.Homeserver, id.UserID(a.User), a.AccessToken)
	if err != nil {
		return nil, fmt.Errorf("homeserver: %w", err)
	}
	client.Client = &http.Client{Transport: newTransport()}
	client.Log = zerologTo(log)
	client.DefaultHTTPRetries = 2
	client.MaxHTTPBackoff = time.Minute // a server may ask to wait for a day
	return &Session{Client: client, account: a, log: log, ready: make(chan struct{}), ended: make(chan struct{})}, nil
}

// newTransport has no limit on a whole request, because an upload may take
// long. It notices a silent server all the same.
func newTransport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = 3 * time.Minute
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second}
	return t
}

// Run logs in, verifies the session, calls prepare, which may subscribe to events, and follows the
// account's rooms until ctx ends; it returns nil then. Every other end is an error that says what
// to do. A session runs once; messages can still be sent afterwards.
func (s *Session) Run(ctx context.Context, prepare func() error) error {
	defer close(s.ended)
	machine, err := s.logIn(ctx)
	if err != nil {
		return err
	}
	s.machine = machine
	v := verification{account: s.account, client: s.Client, machine: machine, log: s.log}
	if err := v.verifySession(ctx); err != nil {
		return err
	}
	s.identity = v.found
	if err := s.account.Identities.pin(ctx, machine); err != nil {
		return fmt.Errorf("take over the identities of the config: %w", err)
	}
	if err := prepare(); err != nil {
		return err
	}
	err = s.Client.SyncWithContext(ctx)
	if ctx.Err() != nil {
		return nil
	}
	return s.Explain(err)
}

// AwaitReady returns when the first sync has been taken in, so that the rooms
// are known, and which of them are encrypted; or when that can never be.
func (s *Session) AwaitReady(ctx context.Context) error {
	select {
	case <-s.ready:
	case <-s.ended:
	case <-ctx.Done():
		return fmt.Errorf("wait for the homeserver: %w", context.Cause(ctx))
	}
	select {
	case <-s.ready: // before the end, if it came
		return nil
	default:
		return errors.New("not connected to the homeserver")
	}
}

// Identity tells how the session stands to its account. It is known when AwaitReady has returned.
func (s *Session) Identity() Identity { return s.identity }

// OnLeftOut has a function called with members who got no key of what is written in a room, because
// none of their devices is trusted. It must not block. Call this before Run, or in its prepare.
func (s *Session) OnLeftOut(leftOut func(id.RoomID, []id.UserID)) { s.leftOut = leftOut }

// IsEncrypted reports whether members encrypt in the room. A room that ever had encryption keeps it,
// whatever later events say (Matrix has no way back). Otherwise the homeserver is asked, because a
// crash may have lost the event that switched encryption on.
func (s *Session) IsEncrypted(ctx context.Context, room id.RoomID) (bool, error) {
	known, err := s.Client.StateStore.(crypto.StateStore).GetEncryptionEvent(ctx, room)
	if err != nil || known != nil {
		return known != nil, err
	}
	var state event.EncryptionEventContent // the client notes what it finds
	err = s.Client.StateEvent(ctx, room, event.StateEncryption, "", &state)
	if errors.Is(err, mautrix.MNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up whether %s is encrypted: %w", room, err)
	}
	return true, nil
}
