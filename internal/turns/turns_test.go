package turns

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
)

// TestOneAfterTheOther: of the same key, each has its turn alone; other keys wait for nobody.
func TestOneAfterTheOther(t *testing.T) {
	var turns Turns[string]
	other, err := turns.Take(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	count := 0 // the race detector sees who counts beside another one
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			leave, err := turns.Take(t.Context(), "same")
			if err != nil {
				t.Error(err)
				return
			}
			count++
			leave()
		})
	}
	all.Wait()
	other()
	if count != 100 || len(turns.byKey) != 0 {
		t.Errorf("%d had a turn, and %d keys are left", count, len(turns.byKey))
	}
}

// TestWaitingEnds: with the context, so that nobody hangs behind one who hangs; or at once if too many
// wait.
func TestWaitingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := Turns[string]{Most: 2}
		leave, err := turns.Take(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		errTold := errors.New("told")
		ctx, cancel := context.WithCancelCause(t.Context())
		var waiting sync.WaitGroup
		for range 2 {
			waiting.Go(func() {
				if _, err := turns.Take(ctx, "x"); !errors.Is(err, errTold) {
					t.Errorf("waiting ends with %v", err)
				}
			})
		}
		synctest.Wait()
		if _, err := turns.Take(t.Context(), "x"); !errors.Is(err, ErrBusy) {
			t.Errorf("the third one who waits: %v", err)
		}
		cancel(errTold)
		waiting.Wait()
		leave()
		if len(turns.byKey) != 0 {
			t.Errorf("%d keys are left", len(turns.byKey))
		}
	})
}
