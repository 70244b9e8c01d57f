package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
)

// The migrations are applied in the order of their names; how many have been
// applied is the table's version. Files are only ever added.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrate applies what is missing, each file in a transaction.
//
// The version lives in a table of our own and not in PRAGMA user_version,
// because the database is shared with the Matrix library.
func migrate(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS broadcastbot_version (version INTEGER NOT NULL)`); err != nil {
		return err
	}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	var version int
	if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM broadcastbot_version`).Scan(&version); err != nil {
		return err
	}
	if version > len(names) {
		return fmt.Errorf("it is version %d and this broadcastbot knows only %d: run the newer program again that made it", version, len(names))
	}
	for i, name := range names[version:] {
		if err := apply(ctx, db, name, version+i+1); err != nil {
			return fmt.Errorf("migration %s: %w", name, err)
		}
	}
	return nil
}

func apply(ctx context.Context, db *sql.DB, name string, version int) error {
	statements, err := migrations.ReadFile(name)
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after Commit it does nothing
	if _, err := tx.ExecContext(ctx, string(statements)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO broadcastbot_version (version) VALUES (?)`, version); err != nil {
		return err
	}
	return tx.Commit()
}
