package matrix

import (
	"context"
	"database/sql"
	"fmt"

	"maunium.net/go/mautrix/id"
)

// dropFormer forgets, once, the keys that older programs have stored: they also took keys that somebody
// had passed on, and the rows do not show which of them name a false owner. Ours stay, which members
// ask for, and with which we read what we wrote ourselves: nobody else can write with those. identity
// is our device. It returns how many were dropped.
func (k roomKeys) dropFormer(ctx context.Context, identity id.IdentityKey) (dropped int64, err error) {
	tx, err := k.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() // after Commit it does nothing
	noted, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO direct_room_keys (account) VALUES (?)`, k.account)
	if err != nil {
		return 0, err
	}
	if isNew, err := noted.RowsAffected(); err != nil || isNew == 0 {
		return 0, err
	}
	if dropped, err = k.drop(ctx, tx, identity); err != nil {
		return 0, fmt.Errorf("drop the keys that an older program has stored: %w", err)
	}
	return dropped, tx.Commit()
}

func (k roomKeys) drop(ctx context.Context, tx *sql.Tx, identity id.IdentityKey) (int64, error) {
	result, err := tx.ExecContext(ctx, `
		DELETE FROM crypto_megolm_inbound_session
		WHERE account_id = ? AND NOT (sender_key = ? AND session_id IN (
			SELECT session_id FROM crypto_megolm_outbound_session UNION
			SELECT session_id FROM crypto_megolm_outbound_session_shared))`, k.account, identity)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
