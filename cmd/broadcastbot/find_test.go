package main

import (
	"errors"
	"testing"

	"broadcastbot/internal/dirlock"
)

// TestOneSession: of two programs that listen as one user, the second one is told to wait; another user
// has a session of their own.
func TestOneSession(t *testing.T) {
	dir, alice, bob := t.TempDir(), "@alice:example.org", "@bob:example.org"
	lock, err := account{user: &alice}.lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (account{user: &alice}).lock(dir); !errors.Is(err, dirlock.ErrInUse) {
		t.Errorf("a second program: %v", err)
	}
	other, err := account{user: &bob}.lock(dir)
	if err != nil {
		t.Fatalf("another user: %v", err)
	}
	other.Release()
	lock.Release()
	if lock, err = (account{user: &alice}).lock(dir); err != nil {
		t.Fatalf("the next one: %v", err)
	}
	lock.Release()
}
