package bot

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/crypto/cryptohelper"
	"maunium.net/go/mautrix/id"
)

// fixedPickleKey is used where the operator gives none. mautrix demands one.
const fixedPickleKey = "broadcastbot"

// logIn opens the account's session and its encryption keys. The device stays
// the same from one run to the next: its id is in the database with the keys.
func (b *Bot) logIn(ctx context.Context) (*crypto.OlmMachine, error) {
	ctx = mautrix.WithMaxRetries(ctx, 0) // whoever started us wants to know at once
	helper, err := b.newCryptoHelper()
	if err != nil {
		return nil, fmt.Errorf("prepare encryption: %w", err)
	}
	if b.options.AccessToken != "" {
		if err := b.adoptToken(ctx); err != nil {
			return nil, err
		}
	} else {
		helper.LoginAs = b.loginRequest()
	}
	if err := helper.Init(ctx); err != nil {
		return nil, b.explainLogin(ctx, err)
	}
	if got := b.client.UserID; got != id.UserID(b.options.User) {
		return nil, fmt.Errorf("the homeserver logged us in as %s, not as %s: write that name into the config", got, b.options.User)
	}
	b.client.Crypto = helper
	return helper.Machine(), nil
}

func (b *Bot) newCryptoHelper() (*cryptohelper.CryptoHelper, error) {
	b.client.Syncer = b.newSyncer()
	database, err := dbutil.NewWithDB(b.options.DB, "sqlite3")
	if err != nil {
		return nil, err
	}
	pickleKey := b.options.PickleKey
	if len(pickleKey) == 0 {
		pickleKey = []byte(fixedPickleKey)
	}
	helper, err := cryptohelper.NewCryptoHelper(b.client, pickleKey, database)
	if err != nil {
		return nil, err
	}
	helper.DBAccountID = b.options.User // another account gets other keys
	return helper, nil
}

func (b *Bot) loginRequest() *mautrix.ReqLogin {
	return &mautrix.ReqLogin{
		Type:                     mautrix.AuthTypePassword,
		Identifier:               mautrix.UserIdentifier{Type: mautrix.IdentifierTypeUser, User: b.options.User},
		Password:                 b.options.Password,
		InitialDeviceDisplayName: b.options.DeviceName,
	}
}

// adoptToken asks whose session the access token is.
func (b *Bot) adoptToken(ctx context.Context) error {
	me, err := b.client.Whoami(ctx)
	if err != nil {
		return b.explain(err)
	}
	if me.DeviceID == "" {
		return errors.New("the access token belongs to no device, so it can not be used in encrypted rooms: use the password")
	}
	b.client.UserID, b.client.DeviceID = me.UserID, me.DeviceID
	return nil
}

// explainLogin is explain for the moment of logging in. Homeservers do not say
// whether the name or the password is wrong, but many tell who exists.
func (b *Bot) explainLogin(ctx context.Context, err error) error {
	server, user := b.client.HomeserverURL, b.options.User
	var answer mautrix.HTTPError
	if !errors.As(err, &answer) {
		return fmt.Errorf("the encryption keys in the database do not fit the session at %s: %w; "+
			"if it was logged out elsewhere or the pickle key has changed, start with a new database", server, err)
	}
	if !errors.Is(err, mautrix.MForbidden) {
		return b.explain(err)
	}
	_, profileErr := b.client.GetProfile(ctx, id.UserID(user))
	switch {
	case profileErr == nil:
		return fmt.Errorf("%s refuses the password of %s: correct it in the config", server, user)
	case errors.Is(profileErr, mautrix.MNotFound):
		return fmt.Errorf("there is no account %s at %s: register it there, or correct the name in the config", user, server)
	default:
		return fmt.Errorf("%s knows no account %s with this password: correct both in the config", server, user)
	}
}

// explain turns an error of the homeserver into a sentence for the operator.
func (b *Bot) explain(err error) error {
	server := b.client.HomeserverURL
	var answer mautrix.HTTPError
	switch {
	case errors.Is(err, mautrix.MUnknownToken), errors.Is(err, mautrix.MMissingToken):
		return fmt.Errorf("%s does not know our session any more: start again, and with a fresh access token if the config has one", server)
	case errors.Is(err, mautrix.MUserDeactivated):
		return fmt.Errorf("the account %s is deactivated", b.options.User)
	case errors.As(err, &answer) && answer.Response == nil:
		return fmt.Errorf("the homeserver %s can not be reached, check the address and the network: %w", server, err)
	case errors.As(err, &answer) && answer.RespError == nil && answer.Response.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%s is not a Matrix homeserver, check the address", server)
	default:
		return fmt.Errorf("session of %s at %s: %w", b.options.User, server, err)
	}
}
