package store

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"broadcastbot/internal/masterkey"
)

// BenchmarkSaveBesideReads is what a show on air saves, with 500 others in the database, while a flood
// of redactions has shows looked up.
func BenchmarkSaveBesideReads(b *testing.B) {
	for _, readers := range []int{0, 16} {
		b.Run(fmt.Sprint(readers, "readers"), func(b *testing.B) { benchmarkSave(b, readers) })
	}
}

func benchmarkSave(b *testing.B, readers int) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "db"), masterkey.File(filepath.Join(b.TempDir(), "key")))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	save := func(i int) {
		if err := s.SaveShow(b.Context(), example(fmt.Sprintf("AAAAAAAAAAAAAAAAAA%04d", i))); err != nil {
			b.Fatal(err)
		}
	}
	for i := range 500 {
		save(i)
	}
	var group sync.WaitGroup
	defer group.Wait()
	done := make(chan struct{})
	defer close(done)
	for range readers {
		group.Go(func() { s.lookUpUntil(done, Filter{Room: "!r:example.org", Event: "$e", Limit: 1}) })
	}
	for b.Loop() {
		save(500)
	}
}

// lookUpUntil lists shows again and again, until done is closed.
func (s *Store) lookUpUntil(done chan struct{}, f Filter) {
	for {
		select {
		case <-done:
			return
		default:
			s.Shows(context.Background(), f)
		}
	}
}
