package retry

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

var (
	errBusy  = errors.New("busy")
	errWrong = errors.New("wrong")

	policy = Policy{First: 200 * time.Millisecond, Max: 15 * time.Second}
)

// mustDelay checks the next delay: its first half is certain, the second one random.
func mustDelay(t *testing.T, b *Backoff, longest time.Duration) {
	t.Helper()
	if d := b.Next(); d < longest/2 || d > longest {
		t.Fatalf("delay %v, want %v to %v", d, longest/2, longest)
	}
}

func TestDelaysGrowToALimit(t *testing.T) {
	b := NewBackoff(policy)
	for i := range 200 {
		mustDelay(t, b, min(policy.First<<min(i, 10), policy.Max))
	}
	b.Reset()
	mustDelay(t, b, policy.First)
}

func TestDelaysDiffer(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 100 {
		seen[NewBackoff(policy).Next()] = true
	}
	if len(seen) < 50 {
		t.Errorf("100 first delays are only %d different ones", len(seen))
	}
}

// TestRepeatsUntilItWorks: whoever is told of a delay has to wait exactly so long.
func TestRepeatsUntilItWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var attempts int
		var told time.Duration
		begin := time.Now()
		err := Do(t.Context(), policy, func(context.Context) error {
			if attempts++; attempts < 8 {
				return errBusy
			}
			return nil
		}, nil, func(err error, delay time.Duration) {
			if told += delay; !errors.Is(err, errBusy) {
				t.Errorf("told of %v", err)
			}
		})
		if err != nil || attempts != 8 || time.Since(begin) != told {
			t.Errorf("%v after %d attempts and %v, want %v", err, attempts, time.Since(begin), told)
		}
	})
}

func TestPermanentErrorIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		results := []error{errBusy, errWrong}
		err := Do(t.Context(), policy, func(context.Context) error {
			err := results[0]
			results = results[1:]
			return err
		}, func(err error) bool { return errors.Is(err, errWrong) }, nil)
		if !errors.Is(err, errWrong) || len(results) != 0 {
			t.Errorf("Do = %v with %d results left", err, len(results))
		}
	})
}

func TestAttemptsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		err := Do(t.Context(), Policy{First: time.Second, Max: time.Minute, Attempts: 6}, func(context.Context) error {
			attempts++
			return errBusy
		}, nil, nil)
		if !errors.Is(err, errBusy) || attempts != 6 {
			t.Errorf("Do = %v after %d attempts, want 6", err, attempts)
		}
	})
}

// TestProgressResets: who comes forward is not made to wait longer and longer.
func TestProgressResets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBackoff(policy)
		attempts := 0
		err := b.Do(t.Context(), func(context.Context) error {
			if attempts++; attempts == 100 {
				return nil
			}
			b.Reset()
			return errBusy
		}, nil, func(_ error, delay time.Duration) {
			if delay > policy.First {
				t.Errorf("delay %v after progress", delay)
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestEndsWithTheContext(t *testing.T) {
	cause := errors.New("enough")
	for name, op := range map[string]func(context.Context) error{
		"in a delay": func(context.Context) error { return errBusy },
		"in the operation": func(ctx context.Context) error {
			<-ctx.Done()
			return errWrong
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				begin := time.Now()
				time.AfterFunc(time.Minute, func() { cancel(cause) })
				err := Do(ctx, policy, op, func(err error) bool { return errors.Is(err, errWrong) }, nil)
				if !errors.Is(err, cause) || time.Since(begin) != time.Minute {
					t.Errorf("Do = %v after %v, want the cause after a minute", err, time.Since(begin))
				}
			})
		})
	}
}

// TestWorksWhileTheContextEnds: what has worked has worked.
func TestWorksWhileTheContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	if err := Do(ctx, policy, func(context.Context) error { cancel(); return nil }, nil, nil); err != nil {
		t.Error(err)
	}
}
