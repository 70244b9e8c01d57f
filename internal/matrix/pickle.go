package matrix

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/crypto/goolm/libolmpickle"

	"broadcastbot/store"
)

// formerPickleKey is what the library's secrets were encrypted with before there was a master key:
// everybody knows it.
const formerPickleKey = "broadcastbot"

// pickled are the columns that the library encrypts, the account's first.
var pickled = []struct{ table, column string }{
	{"crypto_account", "account"},
	{"crypto_olm_session", "session"},
	{"crypto_megolm_inbound_session", "session"},
	{"crypto_megolm_outbound_session", "session"},
	{"crypto_secrets", "secret"},
}

// repickle brings the library's tables up to date and sees to it that its secrets are encrypted with
// the store's pickle key. Those of an older database are encrypted anew, all at once.
func repickle(ctx context.Context, s *store.Store, database *dbutil.Database) error {
	if err := crypto.NewSQLCryptoStore(database, nil, "", "", nil).DB.Upgrade(ctx); err != nil {
		return err
	}
	accounts, err := pickles(s.DB(), pickled[0].table, pickled[0].column)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		if _, err := libolmpickle.Unpickle([]byte(formerPickleKey), account.text); err == nil {
			return s.Rewrite(ctx, func(tx *sql.Tx) error { return repickleAll(tx, s.PickleKey()) })
		}
	}
	return nil
}

func repickleAll(tx *sql.Tx, key []byte) error {
	for _, p := range pickled {
		if err := repickleColumn(tx, p.table, p.column, key); err != nil {
			return fmt.Errorf("encrypt %s anew: %w", p.table, err)
		}
	}
	return nil
}

func repickleColumn(tx *sql.Tx, table, column string, key []byte) error {
	found, err := pickles(tx, table, column)
	if err != nil {
		return err
	}
	for _, p := range found {
		secret, err := libolmpickle.Unpickle([]byte(formerPickleKey), p.text)
		if err != nil {
			continue // nobody could read it before either
		}
		text, err := libolmpickle.Pickle(key, secret)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`UPDATE `+table+` SET `+column+` = ? WHERE rowid = ?`, text, p.row); err != nil {
			return err
		}
	}
	return nil
}

// pickle is an encrypted secret of the library.
type pickle struct {
	row  int64
	text []byte
}

// querier is a database, or a transaction.
type querier interface {
	Query(query string, args ...any) (*sql.Rows, error)
}

// pickles returns the secrets of a column. A session that was withheld has none.
func pickles(from querier, table, column string) (found []pickle, err error) {
	rows, err := from.Query(`SELECT rowid, ` + column + ` FROM ` + table + ` WHERE ` + column + ` IS NOT NULL`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p pickle
		if err := rows.Scan(&p.row, &p.text); err != nil {
			return nil, err
		}
		found = append(found, p)
	}
	return found, errors.Join(rows.Err(), rows.Close())
}
