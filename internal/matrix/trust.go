package matrix

import (
	"context"
	"fmt"

	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// Trust says which devices of other people a session obeys and gives its keys to. Its zero value is
// CrossSigned.
type Trust int

const (
	// CrossSigned devices are those that their owner has signed, with the cross-signing identity
	// that this session saw first (trust on first use). A homeserver can add devices to an account,
	// but it cannot sign them.
	CrossSigned Trust = iota
	// AnyDevice is every device that the homeserver names as its user's.
	AnyDevice
)

// UnmarshalText reads "cross-signed" or "any".
func (t *Trust) UnmarshalText(text []byte) error {
	switch string(text) {
	case "cross-signed":
		*t = CrossSigned
	case "any":
		*t = AnyDevice
	default:
		return fmt.Errorf("has to be cross-signed or any, not %q", text)
	}
	return nil
}

// least is the state a device must have at least to be trusted.
func (t Trust) least() id.TrustState {
	if t == AnyDevice {
		return id.TrustStateUnset
	}
	return id.TrustStateCrossSignedTOFU
}

// Trusts reports whether a decrypted event was written by a device of its sender that the session
// trusts. mautrix decrypts whatever it has the key of, whoever that key came from: an event of
// another user's session, or of a key that somebody has passed on, has no such device.
func (s *Session) Trusts(evt *event.Event) bool {
	info := evt.Mautrix
	device := info.TrustSource
	return info.EventSource&event.SourceDecrypted != 0 && !info.ForwardedKeys &&
		device != nil && device.UserID == evt.Sender && !device.Deleted &&
		info.TrustState >= s.account.Trust.least() && !isUnknown(info.TrustState)
}

// isUnknown is true of a key that no device is known to have made. Among mautrix's numbers these
// states stand above a device that is merely not signed.
func isUnknown(state id.TrustState) bool {
	return state == id.TrustStateUnknownDevice || state == id.TrustStateForwarded || state == id.TrustStateBackup
}

// mayHaveKeys reports whether a device gets the keys of what this session writes. Other devices of
// our own account get none: they would listen without being seen in the room's list of members.
func (s *Session) mayHaveKeys(ctx context.Context, machine *crypto.OlmMachine, device *id.Device) bool {
	state, err := machine.ResolveTrustContext(ctx, device)
	return err == nil && device.UserID != s.Client.UserID && !device.Deleted && state >= s.account.Trust.least()
}

// restrictKeys has the machine give keys to trusted devices only, also to those that ask for a key
// later.
func (s *Session) restrictKeys(machine *crypto.OlmMachine) {
	machine.SendKeysMinTrust = s.account.Trust.least()
	allowed := machine.AllowKeyShare
	machine.AllowKeyShare = func(ctx context.Context, device *id.Device, key event.RequestedKeyInfo) *crypto.KeyShareRejection {
		if !s.mayHaveKeys(ctx, machine, device) {
			return &crypto.KeyShareRejectUnverified
		}
		return allowed(ctx, device, key)
	}
}
