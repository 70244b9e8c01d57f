package recordings

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestStorages holds every storage to what [Storage] promises.
func TestStorages(t *testing.T) {
	t.Run("disk", func(t *testing.T) {
		testStorage(t, func(t *testing.T) func() Storage {
			dir := filepath.Join(t.TempDir(), "recordings")
			return func() Storage { return Disk(dir) }
		})
	})
	t.Run("memory", func(t *testing.T) {
		testStorage(t, func(t *testing.T) func() Storage {
			m := newMemory()
			return func() Storage { return m }
		})
	})
}

// testStorage runs the cases that every storage must pass. A place is new and empty; the function
// that it returns opens the storage there, again and again, as a program does that is started anew.
func testStorage(t *testing.T, place func(*testing.T) (open func() Storage)) {
	for name, test := range map[string]func(*testing.T, *storageTest){
		"an empty place has nothing":            testEmptyStorage,
		"what was written can be read":          testWriteAndRead,
		"readers are woken":                     testReadersAreWoken,
		"a finished recording is opened":        testFinished,
		"the unfinished are resumed":            testResume,
		"a length is remembered":                testLength,
		"the removed are gone for ever":         testRemove,
		"recordings do not touch each other":    testApart,
		"finishing and removing may be retried": testRetry,
	} {
		t.Run(name, func(t *testing.T) {
			s := &storageTest{t: t, open: place(t)}
			if left := s.restart(); len(left) > 0 {
				t.Fatalf("a new place has %d recordings", len(left))
			}
			test(t, s)
		})
	}
}

// storageTest is one storage while it is tested.
type storageTest struct {
	Storage
	t    *testing.T
	open func() Storage
}

// restart opens the storage anew and returns what is to be resumed, by id.
func (s *storageTest) restart() map[string]Unfinished {
	s.t.Helper()
	s.Storage = s.open()
	all, err := s.Resume()
	if err != nil {
		s.t.Fatal(err)
	}
	byID := map[string]Unfinished{}
	for _, u := range all {
		s.t.Cleanup(func() { u.Content.Close() })
		byID[u.ID] = u
	}
	if len(byID) != len(all) {
		s.t.Errorf("%d recordings have %d ids", len(all), len(byID))
	}
	return byID
}

// growing starts a recording with some bytes.
func (s *storageTest) growing(length int64, text string) (id string, content Growing) {
	s.t.Helper()
	id = newID()
	content, err := s.Create(id, length)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { content.Close() })
	mustWrite(s.t, content, text)
	return id, content
}

func (s *storageTest) finished(text string) (id string) {
	s.t.Helper()
	id, content := s.growing(UnknownLength, text)
	s.mustDo(content.Finish(), s.Finish(id), content.Close())
	return id
}

func (s *storageTest) mustDo(errs ...error) {
	s.t.Helper()
	if err := errors.Join(errs...); err != nil {
		s.t.Fatal(err)
	}
}

// mustOpen reads a finished recording.
func (s *storageTest) mustOpen(id, want string) {
	s.t.Helper()
	content, err := s.Open(id)
	if err != nil {
		s.t.Fatalf("open %s: %v", id, err)
	}
	mustHave(s.t, content, want, true)
	s.mustDo(content.Close())
}

func (s *storageTest) mustNotOpen(id string, want error) {
	s.t.Helper()
	if content, err := s.Open(id); !errors.Is(err, want) {
		s.t.Errorf("Open = %v, %v, want %v", content, err, want)
	}
}

func mustWrite(t testing.TB, w io.Writer, text string) {
	t.Helper()
	if n, err := io.WriteString(w, text); n != len(text) || err != nil {
		t.Fatalf("Write = %d, %v", n, err)
	}
}

// mustHave compares what a content has and says with what it should.
func mustHave(t testing.TB, c interface {
	io.ReaderAt
	Size() int64
	Finished() bool
}, want string, finished bool) {
	t.Helper()
	got, err := io.ReadAll(io.NewSectionReader(c, 0, 1<<20))
	if err != nil || string(got) != want || c.Size() != int64(len(want)) || c.Finished() != finished {
		t.Errorf("it has %q (%v), size %d, finished %v; want %q, %v", got, err, c.Size(), c.Finished(), want, finished)
	}
}

func testEmptyStorage(t *testing.T, s *storageTest) {
	s.mustNotOpen(newID(), ErrNotFound)
}

func testWriteAndRead(t *testing.T, s *storageTest) {
	text := strings.Repeat("0123456789", 20_000)
	_, content := s.growing(UnknownLength, "")
	mustHave(t, content, "", false)
	for at := 0; at < len(text); at += 50_000 {
		mustWrite(t, content, text[at:at+50_000])
	}
	mustHave(t, content, text, false)
	for _, test := range []struct {
		offset, size, n int
		err             error
	}{
		{0, 10, 10, nil}, {199_990, 10, 10, nil}, {199_990, 11, 10, io.EOF}, {200_000, 1, 0, io.EOF}, {300_000, 1, 0, io.EOF},
	} {
		p := make([]byte, test.size)
		n, err := content.ReadAt(p, int64(test.offset))
		if n != test.n || (test.err != nil && err != test.err) || !bytes.Equal(p[:n], []byte(text)[min(test.offset, len(text)):][:n]) {
			t.Errorf("ReadAt %d bytes at %d = %d, %v", test.size, test.offset, n, err)
		}
	}
}

func testReadersAreWoken(t *testing.T, s *storageTest) {
	_, content := s.growing(UnknownLength, "hello")
	changed := content.Changed()
	mustBeOpen(t, changed)
	mustWrite(t, content, " world")
	<-changed
	changed = content.Changed()
	mustBeOpen(t, changed)
	s.mustDo(content.Finish())
	<-changed
	mustHave(t, content, "hello world", true)
	if n, err := content.Write([]byte("more")); n != 0 || err == nil {
		t.Errorf("Write to a finished one = %d, %v", n, err)
	}
}

func mustBeOpen(t *testing.T, changed <-chan struct{}) {
	t.Helper()
	select {
	case <-changed:
		t.Error("something changed, although nobody changed anything")
	default:
	}
}

func testFinished(t *testing.T, s *storageTest) {
	id, content := s.growing(UnknownLength, "hello")
	s.mustNotOpen(id, ErrNotFound) // it is still growing
	s.mustDo(content.Finish(), s.Finish(id))
	mustHave(t, content, "hello", true) // for those who read it already
	s.mustOpen(id, "hello")
	s.mustDo(content.Close())
	s.mustOpen(id, "hello")
	if left := s.restart(); len(left) > 0 {
		t.Errorf("%d are to be resumed, want none", len(left))
	}
	s.mustOpen(id, "hello")
}

func testResume(t *testing.T, s *storageTest) {
	id, content := s.growing(UnknownLength, "hello")
	s.mustDo(content.Close())
	empty, content := s.growing(UnknownLength, "")
	s.mustDo(content.Close())
	s.finished("whole")
	left := s.restart()
	if len(left) != 2 || left[id].Content == nil || left[empty].Content == nil {
		t.Fatalf("to be resumed: %v", left)
	}
	mustHave(t, left[empty].Content, "", false)
	mustHave(t, left[id].Content, "hello", false)
	mustWrite(t, left[id].Content, " world")
	s.mustDo(left[id].Content.Finish(), s.Finish(id))
	s.mustOpen(id, "hello world")
}

func testLength(t *testing.T, s *storageTest) {
	lengths := map[string]int64{}
	for _, length := range []int64{UnknownLength, 0, 7, 1 << 40} {
		id, content := s.growing(length, "hello")
		s.mustDo(content.Close())
		lengths[id] = length
	}
	late, content := s.growing(UnknownLength, "hello")
	s.mustDo(s.SetLength(late, 1234), s.SetLength(late, 12), content.Close())
	lengths[late] = 12
	left := s.restart()
	for id, want := range lengths {
		if left[id].Length != want {
			t.Errorf("length %d is remembered as %d", want, left[id].Length)
		}
	}
	s.mustDo(left[late].Content.Finish(), s.Finish(late))
	if _, resumed := s.restart()[late]; resumed {
		t.Error("a finished recording is to be resumed")
	}
}

func testRemove(t *testing.T, s *storageTest) {
	growing, content := s.growing(1000, "hello")
	finished := s.finished("hello")
	s.mustDo(s.Remove(growing), s.Remove(finished), content.Close())
	for range 2 {
		s.mustNotOpen(growing, ErrRemoved)
		s.mustNotOpen(finished, ErrRemoved)
		if left := s.restart(); len(left) > 0 {
			t.Errorf("%d are to be resumed, want none", len(left))
		}
	}
}

func testApart(t *testing.T, s *storageTest) {
	removed, first, second := s.finished("removed"), s.finished("first"), s.finished("second")
	id, content := s.growing(UnknownLength, "growing")
	s.mustDo(s.Remove(removed))
	s.mustOpen(first, "first")
	s.mustOpen(second, "second")
	mustHave(t, content, "growing", false)
	s.mustDo(content.Close())
	ids := slices.Sorted(func(yield func(string) bool) {
		for id := range s.restart() {
			if !yield(id) {
				return
			}
		}
	})
	if !slices.Equal(ids, []string{id}) {
		t.Errorf("to be resumed: %v, want %s", ids, id)
	}
}

func testRetry(t *testing.T, s *storageTest) {
	id, content := s.growing(7, "hello")
	s.mustDo(content.Finish(), s.Finish(id), s.Finish(id), content.Close())
	s.mustOpen(id, "hello")
	s.mustDo(s.Remove(id), s.Remove(id))
	s.mustNotOpen(id, ErrRemoved)
}
