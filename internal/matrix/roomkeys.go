package matrix

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/id"
)

// errRoomKey is why a key of a room's messages is not stored.
var errRoomKey = errors.New("the key of a room's messages is refused")

// roomKeys is the library's store, but for keys of messages that do not come from the device that
// writes with them. Whose messages are obeyed follows from the owner that is stored with a key, and
// the library believes whoever passes a key on: of one that it has got from its owner already it
// takes the owner out of a later, forwarded copy, and goes on to call it direct.
type roomKeys struct {
	crypto.Store
	db      *sql.DB
	account string
}

// PutGroupSession implements crypto.Store.
func (k roomKeys) PutGroupSession(ctx context.Context, session *crypto.InboundGroupSession) error {
	if session.KeySource != id.KeySourceDirect || len(session.ForwardingChains) > 0 {
		return fmt.Errorf("%w: it was passed on by %s", errRoomKey, session.SourceUser)
	}
	var room id.RoomID
	var sender id.SenderKey
	var signingKey id.Ed25519
	err := k.db.QueryRowContext(ctx, `
		SELECT room_id, sender_key, signing_key FROM crypto_megolm_inbound_session
		WHERE session_id = ? AND account_id = ? AND session IS NOT NULL`, session.ID(), k.account).Scan(&room, &sender, &signingKey)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return fmt.Errorf("look up the owner of a key: %w", err)
	case room != session.RoomID || sender != session.SenderKey || signingKey != session.SigningKey:
		return fmt.Errorf("%w: another device, or another room, has it already", errRoomKey)
	}
	return k.Store.PutGroupSession(ctx, session)
}
