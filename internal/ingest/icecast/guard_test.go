package icecast

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"broadcastbot/internal/turns"
	"broadcastbot/store"
)

func wrong() error { return store.ErrWrongPassword }
func right() error { return nil }

// TestGuessing: many who guess, from one address or from many, are slowed; the speaker is let in at
// once meanwhile, and waits where they sit among those who guess.
func TestGuessing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard()
		took := func(address, mount string, check func() error) time.Duration {
			start := time.Now()
			g.try(t.Context(), address, mount, check)
			return time.Since(start)
		}
		for i, want := range []time.Duration{firstDelay, 2 * firstDelay, 4 * firstDelay} {
			if got := took("a", "abc", wrong); got != want {
				t.Errorf("wrong password %d takes %v, want %v", i, got, want)
			}
		}
		for range 100 {
			go g.try(t.Context(), "a", "abc", wrong)
		}
		synctest.Wait()
		if err := g.try(t.Context(), "a", "abc", right); err != turns.ErrBusy {
			t.Errorf("a queue of a hundred ends with %v", err)
		}
		for range 100 {
			go g.try(t.Context(), "", "abc", wrong)
		}
		synctest.Wait()
		if err := g.try(t.Context(), "", "abc", right); err != turns.ErrBusy {
			t.Errorf("a hundred of unknown address end with %v", err)
		}
		for i := range 100 {
			go g.try(t.Context(), fmt.Sprint(i), "abc", wrong)
		}
		synctest.Wait()
		if got := took("b", "abc", right); got != 0 {
			t.Errorf("the speaker waits %v", got)
		}
		if got := took("a", "xyz", right); got != 0 {
			t.Errorf("another speaker at the same address waits %v", got)
		}
		if got := took("c", "abc", wrong); got != longestDelay {
			t.Errorf("a new address takes %v for a mount that is attacked, want %v", got, longestDelay)
		}
		time.Sleep(time.Hour)
		if got := took("a", "abc", wrong); got != firstDelay {
			t.Errorf("an hour later it takes %v, want %v", got, firstDelay)
		}
	})
}

func TestGuardForgets(t *testing.T) {
	g := newGuard()
	for range 3 {
		g.count("attacked")
	}
	for i := range 2 * maxRemembered {
		g.count(fmt.Sprint(i))
	}
	if n := g.count("attacked"); n != 4 {
		t.Errorf("of a mount that is attacked %d are remembered, want 4", n)
	}
	if len(g.failures) > maxRemembered {
		t.Errorf("%d are remembered", len(g.failures))
	}
}
