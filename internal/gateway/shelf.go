package gateway

import (
	"errors"
	"io/fs"
	"os"
	"sync"

	"broadcastbot/internal/livefile"
)

// shelf keeps the recordings of one directory, and knows who holds which open.
//
// A growing recording is always open. A finished one is opened when somebody
// wants it and stays open for a while: who seeks will be back. No file is
// closed under a reader.
type shelf struct {
	disk disk

	mu     sync.Mutex
	open   map[string]*recording
	recent [64]*recording // finished ones that stay open
	oldest int            // the place in recent that is given away next
	closed bool
	users  sync.WaitGroup // every holder of every recording
}

// create starts an empty recording. A length that is known is written first:
// a crash leaves no upload that has forgotten it.
func (s *shelf) create(length int64) (*recording, error) {
	id := newID()
	if length != unknownLength {
		if err := s.disk.writeLength(id, length); err != nil {
			return nil, err
		}
	}
	file, err := livefile.Create(s.disk.path(id, partFile))
	if err != nil {
		return nil, err
	}
	rec := newRecording(id, file, length)
	return rec, s.shelve(rec)
}

// shelve makes a growing recording known.
func (s *shelf) shelve(rec *recording) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.Join(errClosing, rec.Close())
	}
	s.put(rec)
	return nil
}

// put makes a recording known, and the shelf one of its holders. With s.mu.
func (s *shelf) put(rec *recording) {
	s.open[rec.id] = rec
	rec.shelved = true
	s.hold(rec)
}

// unshelve ends what put began; it may be called again. With s.mu.
func (s *shelf) unshelve(rec *recording) {
	if rec != nil && rec.shelved {
		rec.shelved = false
		s.drop(rec)
	}
}

// age makes a finished recording one of the recent ones. It is unshelved when
// so many others have come that its place is needed. With s.mu.
func (s *shelf) age(rec *recording) {
	s.unshelve(s.recent[s.oldest])
	s.recent[s.oldest] = rec
	s.oldest = (s.oldest + 1) % len(s.recent)
}

// acquire finds a recording and holds it open until release.
func (s *shelf) acquire(id string) (*recording, error) {
	if !validID(id) {
		return nil, errNotFound
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosing
	}
	rec := s.open[id]
	if rec == nil {
		var err error
		if rec, err = s.openFinished(id); err != nil {
			return nil, err
		}
		s.put(rec)
		s.age(rec)
	}
	s.hold(rec)
	return rec, nil
}

// openFinished is called with s.mu, so that no remove can come between.
func (s *shelf) openFinished(id string) (*recording, error) {
	file, err := os.Open(s.disk.path(id, doneFile))
	if errors.Is(err, fs.ErrNotExist) {
		if s.disk.exists(id, goneFile) {
			return nil, errGone
		}
		return nil, errNotFound
	}
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, err
	}
	return newRecording(id, finishedFile{file, info.Size()}, info.Size()), nil
}

// retain adds a holder to a recording that the caller holds.
func (s *shelf) retain(rec *recording) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold(rec)
}

// release gives back what acquire or retain gave.
func (s *shelf) release(rec *recording) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(rec)
}

// hold counts a new holder. With s.mu.
func (s *shelf) hold(rec *recording) {
	rec.holders++
	s.users.Add(1)
}

// drop closes a recording's file when its last holder leaves. With s.mu.
func (s *shelf) drop(rec *recording) {
	defer s.users.Done()
	if rec.holders--; rec.holders > 0 {
		return
	}
	if s.open[rec.id] == rec {
		delete(s.open, rec.id)
	}
	rec.Close() // nothing can be lost here: finish has synced, and what goes on is judged by its offset
}

// finish says that a recording is whole, to its followers and on disk. Only
// who has the recording's seat may call it; it may be called again.
func (s *shelf) finish(rec *recording) error {
	if rec.upload == nil {
		return nil
	}
	if err := rec.upload.Finish(); err != nil {
		return err
	}
	rec.length.Store(rec.Size())
	if err := s.disk.finish(rec.id); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.age(rec)
	return nil
}

// remove deletes a recording and ends all who read it; from then on its id is
// answered with errGone. Only who has the recording's seat may call it.
func (s *shelf) remove(rec *recording) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.disk.bury(rec.id); err != nil {
		return err
	}
	delete(s.open, rec.id)
	rec.end(errGone)
	s.unshelve(rec)
	return nil
}

// growing returns how many uploads go on.
func (s *shelf) growing() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rec := range s.open {
		if !rec.Finished() {
			n++
		}
	}
	return n
}

// close ends all who hold a recording, and waits for them.
func (s *shelf) close() {
	s.mu.Lock()
	s.closed = true
	for _, rec := range s.open {
		rec.end(errClosing)
		s.unshelve(rec)
	}
	s.mu.Unlock()
	s.users.Wait()
}
