package recordings

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func TestNewestAppenderWins(t *testing.T) {
	c := mustOpenCatalogue(t, newMemory())
	rec := mustAcquire(t, c, mustCreate(t, c, "", false))
	defer rec.Release()
	old := rec.LockAppend()
	got := make(chan *Appender)
	go func() { got <- rec.LockAppend() }()
	<-old.Context().Done()
	if cause := context.Cause(old.Context()); cause != ErrSuperseded {
		t.Errorf("the old one is told %v", cause)
	}
	mustWrite(t, old, "what it had in hand. ")
	select {
	case <-got:
		t.Fatal("two have the append lock")
	default:
	}
	old.Unlock()
	newer := <-got
	if err := context.Cause(newer.Context()); err != nil {
		t.Errorf("the new one is told %v", err)
	}
	mustWrite(t, newer, "the rest")
	newer.Unlock()
	mustHave(t, rec, "what it had in hand. the rest", false)
}

// TestRemoveStopsTheAppender, and leaves the recording to somebody who comes even later.
func TestRemoveStopsTheAppender(t *testing.T) {
	c := mustOpenCatalogue(t, newMemory())
	id := mustCreate(t, c, "hello", false)
	rec := mustAcquire(t, c, id)
	defer rec.Release()
	holder := func() *lockHolder {
		rec.lock.mu.Lock()
		defer rec.lock.mu.Unlock()
		return rec.lock.holder
	}
	old, removed, got := rec.LockAppend(), make(chan error), make(chan *Appender)
	go func() { removed <- c.Remove(id) }()
	<-old.Context().Done()
	remover := holder()
	go func() { got <- rec.LockAppend() }()
	for holder() == remover {
		runtime.Gosched()
	}
	old.Unlock()
	if err := <-removed; err != ErrSuperseded {
		t.Errorf("Remove = %v", err)
	}
	newer := <-got
	mustWrite(t, newer, " world")
	go func() { removed <- c.Remove(id) }()
	<-newer.Context().Done()
	newer.Unlock()
	if err := <-removed; err != nil {
		t.Errorf("Remove = %v", err)
	}
	if cause := context.Cause(rec.Context()); cause != ErrRemoved {
		t.Errorf("the recording ends with %v", cause)
	}
}

// TestOneAppenderAtATime lets many take the append lock from each other.
func TestOneAppenderAtATime(t *testing.T) {
	c := mustOpenCatalogue(t, newMemory())
	rec := mustAcquire(t, c, mustCreate(t, c, "", false))
	defer rec.Release()
	const each, appenders = 50, 8
	var all sync.WaitGroup
	inside := 0 // the race detector, too, sees when two are
	for i := range appenders {
		random := rand.New(rand.NewPCG(uint64(i), 0))
		all.Go(func() {
			for range each {
				a := rec.LockAppend()
				if inside++; inside != 1 {
					t.Errorf("%d are inside", inside)
				}
				a.Write([]byte(strings.Repeat("x", random.IntN(10))))
				inside--
				a.Unlock()
			}
		})
	}
	all.Wait()
}

func TestSetLength(t *testing.T) {
	for name, test := range map[string]struct {
		said []int64 // of a recording of 5 bytes; the last may be wrong
		err  error
	}{
		"more":             {[]int64{8}, nil},
		"as many":          {[]int64{5}, nil},
		"again":            {[]int64{8, 8}, nil},
		"less":             {[]int64{4}, ErrLengthChanged},
		"another":          {[]int64{8, 9}, ErrLengthChanged},
		"after the finish": {[]int64{5, 6}, ErrLengthChanged},
	} {
		t.Run(name, func(t *testing.T) {
			c := mustOpenCatalogue(t, newMemory())
			rec := mustAcquire(t, c, mustCreate(t, c, "hello", false))
			defer rec.Release()
			a := rec.LockAppend()
			defer a.Unlock()
			var err error
			for _, length := range test.said {
				if err != nil {
					t.Fatal(err)
				}
				err = a.SetLength(length)
			}
			if !errors.Is(err, test.err) || (test.err == nil && rec.Length() != test.said[0]) {
				t.Errorf("SetLength %v = %v, length %d", test.said, err, rec.Length())
			}
			if rec.Whole() != (rec.Length() == 5) {
				t.Errorf("5 bytes of %d: whole is %v", rec.Length(), rec.Whole())
			}
		})
	}
}

func TestFinishedIsNotAppendedTo(t *testing.T) {
	m := newMemory()
	c := mustOpenCatalogue(t, m)
	id := mustCreate(t, c, "hello", true)
	for name, c := range map[string]*Catalogue{"just finished": c, "opened later": mustOpenCatalogue(t, m)} {
		rec := mustAcquire(t, c, id)
		a := rec.LockAppend()
		if n, err := a.Write([]byte("more")); n != 0 || err != ErrFinished {
			t.Errorf("%s: Write = %d, %v", name, n, err)
		}
		if err := a.Finish(); err != nil || a.SetLength(5) != nil {
			t.Errorf("%s: finished again: %v", name, err)
		}
		a.Unlock()
		rec.Release()
	}
}

// TestLengthSurvives: a crash, or a disk that refuses, between the length of a recording that has all
// its bytes and its end does not make it grow on.
func TestLengthSurvives(t *testing.T) {
	dir := Disk(t.TempDir())
	before := mustOpenCatalogue(t, dir)
	id := mustCreate(t, before, "hello", false)
	rec := mustAcquire(t, before, id)
	a := rec.LockAppend()
	if err := a.SetLength(5); err != nil {
		t.Fatal(err)
	}
	a.Unlock()
	rec.Release()
	mustHold(t, mustOpenCatalogue(t, dir), id, "hello", true)
}
