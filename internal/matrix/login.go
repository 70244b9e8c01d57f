package matrix

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/crypto/cryptohelper"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// logIn opens the account's session and its encryption keys. The device stays
// the same from one run to the next: its id is in the database with the keys.
func (s *Session) logIn(ctx context.Context) (*crypto.OlmMachine, error) {
	ctx = mautrix.WithMaxRetries(ctx, 0) // whoever started us wants to know at once
	helper, err := s.newCryptoHelper(ctx)
	if err != nil {
		return nil, fmt.Errorf("prepare encryption: %w", err)
	}
	if s.account.AccessToken != "" {
		if err := s.adoptToken(ctx); err != nil {
			return nil, err
		}
	} else {
		helper.LoginAs = s.loginRequest()
	}
	if err := helper.Init(ctx); err != nil {
		return nil, s.explainLogin(ctx, err)
	}
	if got := s.Client.UserID; got != id.UserID(s.account.User) {
		return nil, fmt.Errorf("the homeserver logged us in as %s, not as %s: write that name into the config", got, s.account.User)
	}
	machine := helper.Machine()
	if err := s.guardKeys(ctx, machine); err != nil {
		return nil, err
	}
	s.restrictKeys(machine)
	sharer := &sharer{CryptoHelper: helper, session: s}
	s.Client.Crypto = sharer
	syncer := s.Client.Syncer.(mautrix.ExtensibleSyncer)
	syncer.OnSync(sharer.noteDevices)
	syncer.OnEventType(event.StateMember, sharer.noteMember)
	return machine, nil
}

// guardKeys has the machine store only keys whose owner is known, and forget the others.
func (s *Session) guardKeys(ctx context.Context, machine *crypto.OlmMachine) error {
	keys := roomKeys{machine.CryptoStore, s.account.Store.DB(), s.account.User}
	dropped, err := keys.dropFormer(ctx, machine.OwnIdentity().IdentityKey)
	if err != nil {
		return err
	}
	if dropped > 0 {
		s.log.Warn("keys of messages that an older program has stored are dropped, because their owner is not certain: "+
			"who is not heard any more has their client use a new key (in Element: /discardsession)", "keys", dropped)
	}
	machine.CryptoStore = keys
	return nil
}

func (s *Session) newCryptoHelper(ctx context.Context) (*cryptohelper.CryptoHelper, error) {
	s.Client.Syncer = s.newSyncer()
	database, err := dbutil.NewWithDB(s.account.Store.DB(), "sqlite3")
	if err != nil {
		return nil, err
	}
	if err := repickle(ctx, s.account.Store, database); err != nil {
		return nil, err
	}
	helper, err := cryptohelper.NewCryptoHelper(s.Client, s.account.Store.PickleKey(), database)
	if err != nil {
		return nil, err
	}
	helper.DBAccountID = s.account.User // another account gets other keys
	return helper, nil
}

func (s *Session) loginRequest() *mautrix.ReqLogin {
	return &mautrix.ReqLogin{
		Type:                     mautrix.AuthTypePassword,
		Identifier:               mautrix.UserIdentifier{Type: mautrix.IdentifierTypeUser, User: s.account.User},
		Password:                 s.account.Password,
		InitialDeviceDisplayName: s.account.DeviceName,
	}
}

// adoptToken asks whose session the access token is.
func (s *Session) adoptToken(ctx context.Context) error {
	me, err := s.Client.Whoami(ctx)
	if err != nil {
		return s.Explain(err)
	}
	if me.DeviceID == "" {
		return errors.New("the access token belongs to no device, so it cannot be used in encrypted rooms: use the password")
	}
	s.Client.UserID, s.Client.DeviceID = me.UserID, me.DeviceID
	return nil
}

// explainLogin is Explain for the moment of logging in. Homeservers do not say
// whether the name or the password is wrong, but many tell who exists.
func (s *Session) explainLogin(ctx context.Context, err error) error {
	server, user := s.Client.HomeserverURL, s.account.User
	var answer mautrix.HTTPError
	if !errors.As(err, &answer) {
		return fmt.Errorf("the encryption keys in the database do not fit the session at %s: %w; "+
			"if it was logged out elsewhere, start with a new database", server, err)
	}
	if !errors.Is(err, mautrix.MForbidden) {
		return s.Explain(err)
	}
	_, profileErr := s.Client.GetProfile(ctx, id.UserID(user))
	switch {
	case profileErr == nil:
		return fmt.Errorf("%s refuses the password of %s: correct it in the config", server, user)
	case errors.Is(profileErr, mautrix.MNotFound):
		return fmt.Errorf("there is no account %s at %s: register it there, or correct the name in the config", user, server)
	default:
		return fmt.Errorf("%s knows no account %s with this password: correct one of them in the config", server, user)
	}
}

// Explain turns an error of the homeserver into a sentence for the operator.
func (s *Session) Explain(err error) error {
	server := s.Client.HomeserverURL
	var answer mautrix.HTTPError
	switch {
	case errors.Is(err, mautrix.MUnknownToken), errors.Is(err, mautrix.MMissingToken):
		return fmt.Errorf("%s does not know our session any more: start again, and with a fresh access token if the config has one", server)
	case errors.Is(err, mautrix.MUserDeactivated):
		return fmt.Errorf("the account %s is deactivated", s.account.User)
	case errors.As(err, &answer) && answer.Response == nil:
		return fmt.Errorf("the homeserver %s cannot be reached, check the address and the network: %w", server, err)
	case errors.As(err, &answer) && answer.RespError == nil && answer.Response.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%s is not a Matrix homeserver, check the address", server)
	default:
		return fmt.Errorf("session of %s at %s: %w", s.account.User, server, err)
	}
}

// IsRefusal is true of an answer that says no, and false of one that did not come or tells of
// trouble at the server.
func IsRefusal(err error) bool {
	var answer mautrix.HTTPError
	return errors.As(err, &answer) && answer.Response != nil && answer.Response.StatusCode/100 == 4
}
