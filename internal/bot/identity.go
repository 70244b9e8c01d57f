package bot

import (
	"context"
	"fmt"
	"os"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
)

// verifySession has the account's cross-signing keys sign this session, so
// that the clients of the room show the bot as verified and share keys with it.
func (b *Bot) verifySession(ctx context.Context, machine *crypto.OlmMachine) error {
	hasKeys, verified, err := machine.GetOwnVerificationStatus(ctx)
	if err != nil {
		return fmt.Errorf("look up whether our session is verified: %w", err)
	}
	switch {
	case verified:
		return nil
	case !hasKeys:
		return b.makeIdentity(ctx, machine)
	case b.options.RecoveryKey == "":
		b.log.Warn("this session is not verified, and clients may warn of it: give the account's recovery key in the config")
		return nil
	}
	if err := machine.VerifyWithRecoveryKey(ctx, b.options.RecoveryKey); err != nil {
		return fmt.Errorf("the recovery key in the config does not verify our session: %w", err)
	}
	b.log.Info("this session is now verified")
	return nil
}

// makeIdentity gives a new account its cross-signing keys. The key to recover
// them goes into a file, because a log is read by more people and kept longer.
func (b *Bot) makeIdentity(ctx context.Context, machine *crypto.OlmMachine) error {
	if !b.mayUploadKeys(ctx) {
		b.log.Warn("the account has no cross-signing keys, and clients may warn of it: start once with its password to have them made")
		return nil
	}
	key, err := b.generateKeys(ctx, machine)
	if err != nil {
		b.log.Warn("no cross-signing keys could be made, and clients may warn of this session", "err", err)
		return nil
	}
	path, err := b.keepRecoveryKey(key)
	if err != nil {
		return fmt.Errorf("the account got cross-signing keys, but their recovery key could not be kept: %w", err)
	}
	b.log.Info("the account got cross-signing keys: keep the recovery key in this file at a safe place, then delete it", "file", path)
	return nil
}

// mayUploadKeys is false where the homeserver would want a password that we do
// not have. Since Matrix 1.11 the first keys need none (MSC3967).
func (b *Bot) mayUploadKeys(ctx context.Context) bool {
	if b.options.Password != "" {
		return true
	}
	versions, err := b.client.Versions(ctx)
	return err == nil && versions.ContainsGreaterOrEqual(mautrix.SpecV111)
}

// generateKeys makes the keys and signs this session with them.
func (b *Bot) generateKeys(ctx context.Context, machine *crypto.OlmMachine) (recoveryKey string, err error) {
	recoveryKey, _, err = machine.GenerateAndUploadCrossSigningKeys(ctx, b.authenticate, "")
	if err != nil {
		return "", err
	}
	if err := machine.SignOwnDevice(ctx, machine.OwnIdentity()); err != nil {
		return "", err
	}
	return recoveryKey, machine.SignOwnMasterKey(ctx)
}

// authenticate answers a homeserver that wants the password once more.
func (b *Bot) authenticate(challenge *mautrix.RespUserInteractive) any {
	if b.options.Password == "" {
		return nil
	}
	return &mautrix.ReqUIAuthLogin{
		BaseAuthData: mautrix.BaseAuthData{Type: mautrix.AuthTypePassword, Session: challenge.Session},
		User:         b.options.User,
		Password:     b.options.Password,
	}
}

// keepRecoveryKey writes a new file, mode 0600, and never overwrites one: an
// older key may still be wanted.
func (b *Bot) keepRecoveryKey(key string) (path string, err error) {
	f, err := os.CreateTemp(b.options.DataDir, "recovery-key-*.txt")
	if err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(f, "Recovery key of %s, made %s:\n\n%s\n", b.options.User, time.Now().Format(time.DateTime), key); err != nil {
		f.Close()
		return "", err
	}
	return f.Name(), f.Close()
}
