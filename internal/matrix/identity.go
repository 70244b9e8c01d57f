package matrix

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
)

// Identity says how the session stands to the account that it belongs to.
type Identity struct {
	Verified     bool   // signed by the account's cross-signing keys
	RecoveryFile string // has the recovery key of cross-signing keys that were made; empty: none were
}

// verification has other clients trust a session that has logged in.
type verification struct {
	account Account
	client  *mautrix.Client
	machine *crypto.OlmMachine
	log     *slog.Logger
	found   Identity
}

// verifySession has the account's cross-signing keys sign this session, so that the clients of the
// room show the bot as verified and share keys with it.
func (v *verification) verifySession(ctx context.Context) error {
	hasKeys, verified, err := v.machine.GetOwnVerificationStatus(ctx)
	if err != nil {
		return fmt.Errorf("look up whether our session is verified: %w", err)
	}
	switch {
	case verified:
		v.found.Verified = true
		return nil
	case !hasKeys:
		return v.makeIdentity(ctx)
	case v.account.RecoveryKey == "":
		v.log.Warn("this session is not verified, so that clients warn of it and may share no keys with it: give the account's recovery key")
		return nil
	}
	if err := v.machine.VerifyWithRecoveryKey(ctx, v.account.RecoveryKey); err != nil {
		return fmt.Errorf("the recovery key does not verify our session: %w", err)
	}
	v.found.Verified = true
	v.log.Info("this session is now verified")
	return nil
}

// makeIdentity gives a new account its cross-signing keys. The key to recover them goes into a
// file, because a log is read by more people and kept longer.
func (v *verification) makeIdentity(ctx context.Context) error {
	if !v.mayUploadKeys(ctx) {
		v.log.Warn("the account has no cross-signing keys, and clients may warn of it: start once with its password to have them made")
		return nil
	}
	file, err := v.newRecoveryFile()
	if err != nil {
		return fmt.Errorf("make a file for the recovery key of new cross-signing keys: %w", err)
	}
	defer file.Close()
	key, _, err := v.machine.GenerateAndUploadCrossSigningKeys(ctx, v.authenticate, "")
	if key == "" || IsRefusal(err) { // without an answer the keys may be there
		os.Remove(file.Name())
		v.log.Warn("no cross-signing keys could be made, and clients may warn of this session", "err", err)
		return nil
	}
	if err := v.writeRecoveryKey(file, key); err != nil {
		return fmt.Errorf("the account got cross-signing keys, but their recovery key could not be kept: %w", err)
	}
	v.found.RecoveryFile = file.Name()
	v.log.Info("the account got cross-signing keys: keep the recovery key in this file at a safe place, then delete it", "file", file.Name())
	err = cmp.Or(err, v.signSession(ctx))
	if v.found.Verified = err == nil; !v.found.Verified {
		v.log.Warn("this session is not verified, and clients may warn of it", "err", err)
	}
	return nil
}

// mayUploadKeys is false where the homeserver would want a password that we do not have. Since
// Matrix 1.11 the first keys need none (MSC3967).
func (v *verification) mayUploadKeys(ctx context.Context) bool {
	if v.account.Password != "" {
		return true
	}
	versions, err := v.client.Versions(ctx)
	return err == nil && versions.ContainsGreaterOrEqual(mautrix.SpecV111)
}

// signSession signs this session with the account's new keys.
func (v *verification) signSession(ctx context.Context) error {
	if err := v.machine.SignOwnDevice(ctx, v.machine.OwnIdentity()); err != nil {
		return err
	}
	return v.machine.SignOwnMasterKey(ctx)
}

// authenticate answers a homeserver that wants the password once more.
func (v *verification) authenticate(challenge *mautrix.RespUserInteractive) any {
	if v.account.Password == "" {
		return nil
	}
	return &mautrix.ReqUIAuthLogin{
		BaseAuthData: mautrix.BaseAuthData{Type: mautrix.AuthTypePassword, Session: challenge.Session},
		User:         v.account.User,
		Password:     v.account.Password,
	}
}

// recoveryText is what the file of a recovery key says. The key comes last.
const recoveryText = "Recovery key of %s, made %s:\n\n%-60s\n"

// newRecoveryFile makes a new file, mode 0600, as large as it will be: a full disk has to show
// before there are keys that nobody could recover. It never overwrites one, because an older key
// may still be wanted.
func (v *verification) newRecoveryFile() (*os.File, error) {
	f, err := os.CreateTemp(v.account.RecoveryDir, "recovery-key-*.txt")
	if err != nil {
		return nil, err
	}
	if err := v.writeRecoveryKey(f, ""); err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, err
	}
	return f, nil
}

// writeRecoveryKey fills the file, over what was in it.
func (v *verification) writeRecoveryKey(f *os.File, key string) error {
	text := fmt.Sprintf(recoveryText, v.account.User, time.Now().Format(time.DateTime), key)
	if _, err := f.WriteAt([]byte(text), 0); err != nil {
		return err
	}
	return f.Sync()
}
