package store

import (
	"io/fs"
	"strings"
	"testing"
)

// TestMigrationsHaveNumbers: two files of one number would change places by their names.
func TestMigrationsHaveNumbers(t *testing.T) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	seen := map[string]string{}
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		if before, taken := seen[number]; taken {
			t.Errorf("%s and %s have one number", before, name)
		}
		seen[number] = name
	}
}
