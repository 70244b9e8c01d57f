package recordings

import (
	"context"
	"errors"
	"testing"
)

func mustOpenCatalogue(t testing.TB, s Storage) *Catalogue {
	t.Helper()
	c, err := Open(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			return // somebody may still hold a recording
		}
		c.Close()
	})
	return c
}

func mustAcquire(t testing.TB, c *Catalogue, id string) *Recording {
	t.Helper()
	rec, err := c.Acquire(id)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func mustNotAcquire(t testing.TB, c *Catalogue, id string, want error) {
	t.Helper()
	if rec, err := c.Acquire(id); !errors.Is(err, want) {
		t.Errorf("Acquire = %v, %v, want %v", rec, err, want)
	}
}

// mustHold checks what a recording holds now.
func mustHold(t testing.TB, c *Catalogue, id, want string, finished bool) {
	t.Helper()
	rec := mustAcquire(t, c, id)
	defer rec.Release()
	mustHave(t, rec, want, finished)
}

// mustCreate adds a recording and finishes it if it is to be whole.
func mustCreate(t testing.TB, c *Catalogue, text string, whole bool) (id string) {
	t.Helper()
	rec, err := c.Create(UnknownLength)
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	a := rec.LockAppend()
	defer a.Unlock()
	mustWrite(t, a, text)
	if whole {
		if err := a.Finish(); err != nil {
			t.Fatal(err)
		}
	}
	return rec.ID()
}

func mustRemove(t testing.TB, c *Catalogue, id string) {
	t.Helper()
	if err := c.Remove(id); err != nil {
		t.Fatal(err)
	}
}

func TestUnknownIDs(t *testing.T) {
	c := mustOpenCatalogue(t, newMemory())
	for _, id := range []string{"", "x", newID(), newID() + ".part", "../" + newID(), newID()[:21] + "!", newID()[:21] + "="} {
		mustNotAcquire(t, c, id, ErrNotFound)
		if err := c.Remove(id); err != ErrNotFound {
			t.Errorf("Remove = %v", err)
		}
	}
}

func TestCreateWithNothingToCome(t *testing.T) {
	c := mustOpenCatalogue(t, newMemory())
	rec, err := c.Create(0)
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	mustHave(t, rec, "", true)
}

// TestRecentRecordingsStayOpen checks that finished recordings are closed when many others were
// wanted, and are there when they are wanted again.
func TestRecentRecordingsStayOpen(t *testing.T) {
	m := newMemory()
	c := mustOpenCatalogue(t, m)
	first, slow := mustCreate(t, c, "first", true), mustCreate(t, c, "slow", true)
	rec := mustAcquire(t, c, slow)
	if n := m.file(first).state().closed; n != 0 {
		t.Errorf("the first was closed %d times before others came", n)
	}
	for range len(c.recent) {
		mustCreate(t, c, "other", true)
	}
	if f, s := m.file(first).state().closed, m.file(slow).state().closed; f != 1 || s != 0 {
		t.Errorf("the first was closed %d times, the one that is being read %d times", f, s)
	}
	mustHave(t, rec, "slow", true)
	rec.Release()
	if n := m.file(slow).state().closed; n != 1 {
		t.Errorf("after its reader has left it was closed %d times", n)
	}
	mustHold(t, c, first, "first", true)
	mustHold(t, c, slow, "slow", true)
}

func TestGrowingRecordingsStayOpen(t *testing.T) {
	m := newMemory()
	c := mustOpenCatalogue(t, m)
	id := mustCreate(t, c, "hello", false)
	for range 2 * len(c.recent) {
		mustCreate(t, c, "other", true)
	}
	if n := m.file(id).state().closed; n != 0 {
		t.Errorf("it was closed %d times", n)
	}
	if s := c.Stats(); s.Growing != 1 || s.Holders != 1+len(c.recent) {
		t.Errorf("stats = %+v", s)
	}
}

func TestRemove(t *testing.T) {
	for name, whole := range map[string]bool{"growing": false, "finished": true} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			c := mustOpenCatalogue(t, m)
			id := mustCreate(t, c, "hello", whole)
			reader := mustAcquire(t, c, id)
			mustRemove(t, c, id)
			if cause := context.Cause(reader.Context()); cause != ErrRemoved {
				t.Errorf("its reader is told %v", cause)
			}
			mustNotAcquire(t, c, id, ErrRemoved)
			if err := c.Remove(id); err != ErrRemoved {
				t.Errorf("the second Remove = %v", err)
			}
			reader.Release()
			if n := m.file(id).state().closed; n != 1 {
				t.Errorf("it was closed %d times", n)
			}
			mustNotAcquire(t, mustOpenCatalogue(t, m), id, ErrRemoved)
		})
	}
}

// slowStorage lets a test do something between the storage's Open and what the catalogue does with
// it.
type slowStorage struct {
	Storage
	opened func(id string)
}

func (s slowStorage) Open(id string) (Content, error) {
	content, err := s.Storage.Open(id)
	s.opened(id)
	return content, err
}

// TestRemovedWhileOpened removes a recording while somebody else is just opening it.
func TestRemovedWhileOpened(t *testing.T) {
	m := newMemory()
	id := mustCreate(t, mustOpenCatalogue(t, m), "hello", true)
	s := &slowStorage{Storage: m, opened: func(string) {}}
	c := mustOpenCatalogue(t, s)
	s.opened = func(string) {
		s.opened = func(string) {}
		mustRemove(t, c, id)
	}
	mustNotAcquire(t, c, id, ErrRemoved)
	if holders := c.Stats().Holders; holders != 0 {
		t.Errorf("%d hold something", holders)
	}
}

// TestOpenedTwice has two open the same recording at the same time: they must share it, or removing
// it would reach only one.
func TestOpenedTwice(t *testing.T) {
	m := newMemory()
	id := mustCreate(t, mustOpenCatalogue(t, m), "hello", true)
	s := &slowStorage{Storage: m, opened: func(string) {}}
	c := mustOpenCatalogue(t, s)
	var first *Recording
	s.opened = func(string) {
		s.opened = func(string) {}
		first = mustAcquire(t, c, id)
	}
	second := mustAcquire(t, c, id)
	if first != second {
		t.Error("there are two recordings of one id")
	}
	first.Release()
	second.Release()
}

func TestCloseWaits(t *testing.T) {
	c, err := Open(newMemory())
	if err != nil {
		t.Fatal(err)
	}
	id := mustCreate(t, c, "hello", false)
	rec := mustAcquire(t, c, id)
	closed := make(chan struct{})
	go func() { defer close(closed); c.Close() }()
	<-rec.Context().Done()
	if cause := context.Cause(rec.Context()); cause != ErrClosed {
		t.Errorf("its reader is told %v", cause)
	}
	mustNotAcquire(t, c, id, ErrClosed)
	if _, err := c.Create(UnknownLength); !errors.Is(err, ErrClosed) {
		t.Errorf("Create = %v", err)
	}
	select {
	case <-closed:
		t.Error("Close did not wait")
	default:
	}
	mustHave(t, rec, "hello", false) // it can still be read
	rec.Release()
	<-closed
}

func TestCatalogueResumes(t *testing.T) {
	m := newMemory()
	before := mustOpenCatalogue(t, m)
	growing, whole := mustCreate(t, before, "hello", false), mustCreate(t, before, "whole", true)
	rec, err := before.Create(5)
	if err != nil {
		t.Fatal(err)
	}
	a := rec.LockAppend()
	mustWrite(t, a, "all 5") // and then the program dies before it can finish the recording
	a.Unlock()
	rec.Release()

	after := mustOpenCatalogue(t, m)
	mustHold(t, after, growing, "hello", false)
	mustHold(t, after, whole, "whole", true)
	mustHold(t, after, rec.ID(), "all 5", true)
	if n := after.Stats().Growing; n != 1 {
		t.Errorf("%d go on, want 1", n)
	}
}
