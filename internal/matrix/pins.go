package matrix

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"

	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/id"
)

// Identities are master keys of users' cross-signing identities (unpadded base64), by Matrix id.
// They count in place of the ones that this session sees first.
type Identities map[string]string

// Check returns an error that names the first user whose id or key cannot be one.
func (i Identities) Check() error {
	for _, user := range slices.Sorted(maps.Keys(i)) {
		if _, _, err := id.UserID(user).ParseAndValidateRelaxed(); err != nil {
			return fmt.Errorf("%q is not a Matrix id such as @alice:example.org", user)
		}
		if key, err := base64.RawStdEncoding.Strict().DecodeString(i[user]); err != nil || len(key) != 32 {
			return fmt.Errorf("the key of %s has to be the 43 characters of a master key, not %q", user, i[user])
		}
	}
	return nil
}

// pin has the machine take the identities for those that it saw first, and asks the homeserver
// which ones it shows now.
func (i Identities) pin(ctx context.Context, machine *crypto.OlmMachine) error {
	var users []id.UserID
	for name, key := range i {
		user, master := id.UserID(name), id.Ed25519(key)
		if err := machine.CryptoStore.PutCrossSigningKey(ctx, user, id.XSUsageMaster, master); err != nil {
			return err
		}
		if err := machine.CryptoStore.ResetMasterKeyTOFU(ctx, user, master); err != nil {
			return err
		}
		users = append(users, user)
	}
	_, err := machine.FetchKeys(ctx, users, true)
	return err
}

// MasterKey returns the master key of the user's cross-signing identity, as the homeserver shows it;
// "" where there is none.
func (s *Session) MasterKey(ctx context.Context, user id.UserID) (id.Ed25519, error) {
	keys, err := s.machine.CryptoStore.GetCrossSigningKeys(ctx, user)
	return keys[id.XSUsageMaster].Key, err
}
