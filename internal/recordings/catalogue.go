package recordings

import (
	"context"
	"errors"
	"sync"
)

// Catalogue knows the recordings of one storage, and who holds which of them open.
//
// A growing recording is always open. A finished one is opened when somebody wants it and stays
// open for a while, because who seeks comes back. No content is closed while it is read.
type Catalogue struct {
	storage Storage

	mu       sync.Mutex
	open     map[string]*Recording
	recent   [64]*Recording // finished ones that stay open
	oldest   int            // the place in recent that is given away next
	removals int            // how many recordings were removed
	closed   bool
	holders  sync.WaitGroup // every holder of every recording
}

// Open returns the catalogue of a storage. Recordings that were still growing when the program
// stopped can be appended to again.
func Open(storage Storage) (*Catalogue, error) {
	unfinished, err := storage.Resume()
	if err != nil {
		return nil, err
	}
	c := &Catalogue{storage: storage, open: make(map[string]*Recording)}
	var failed error
	for _, u := range unfinished { // all of them, also after an error: Close closes what is in the catalogue
		rec, err := c.addGrowing(u)
		failed = errors.Join(failed, err)
		if err == nil {
			rec.Release()
		}
	}
	if failed != nil {
		c.Close()
		return nil, failed
	}
	return c, nil
}

// Create starts an empty recording that will have length bytes, or UnknownLength. The caller holds
// it until Release.
func (c *Catalogue) Create(length int64) (*Recording, error) {
	id := newID()
	content, err := c.storage.Create(id, length)
	if err != nil {
		return nil, err
	}
	return c.addGrowing(Unfinished{id, length, content})
}

// addGrowing enters a recording that the caller is to hold. One that already has all its bytes is
// finished at once.
func (c *Catalogue) addGrowing(u Unfinished) (*Recording, error) {
	rec := newRecording(c, u.ID, u.Content, u.Length)
	if err := c.enterGrowing(rec); err != nil {
		return nil, err
	}
	if rec.Whole() {
		if err := rec.finish(); err != nil {
			rec.Release()
			return nil, err
		}
	}
	return rec, nil
}

func (c *Catalogue) enterGrowing(rec *Recording) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return errors.Join(ErrClosed, rec.content.Close())
	}
	c.enter(rec)
	return nil
}

// Acquire finds a recording, which the caller then holds until Release. The error is ErrNotFound,
// ErrRemoved, ErrClosed, or one of the storage.
func (c *Catalogue) Acquire(id string) (*Recording, error) {
	if !validID(id) {
		return nil, ErrNotFound
	}
	for {
		rec, removals, err := c.holdOpen(id)
		if rec != nil || err != nil {
			return rec, err
		}
		content, err := c.storage.Open(id) // not under the lock: a storage may be slow
		if err != nil {
			return nil, err
		}
		if rec := c.enterFinished(id, content, removals); rec != nil {
			return rec, nil
		}
	}
}

// Remove deletes a recording, growing or finished: its context ends with ErrRemoved, and Acquire
// returns that error from now on. An appender is asked to stop before that. The error is that of
// Acquire, ErrSuperseded if somebody newer begins to append meanwhile, or one of the storage.
func (c *Catalogue) Remove(id string) error {
	rec, err := c.Acquire(id)
	if err != nil {
		return err
	}
	defer rec.Release()
	appender := rec.LockAppend()
	defer appender.Unlock()
	if err := context.Cause(appender.Context()); err != nil {
		return err
	}
	return rec.remove()
}

// holdOpen makes the caller a holder of a recording that is open. If it is not, holdOpen returns
// nil and how many recordings were removed before.
func (c *Catalogue) holdOpen(id string) (rec *Recording, removals int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, 0, ErrClosed
	}
	if rec = c.open[id]; rec != nil {
		c.hold(rec)
	}
	return rec, c.removals, nil
}

// enterFinished enters a recording that the caller is to hold. It closes the content and returns
// nil if it may be out of date, because something has happened since it was opened: then look
// again.
func (c *Catalogue) enterFinished(id string, content Content, removals int) *Recording {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.open[id] != nil || c.removals != removals {
		content.Close()
		return nil
	}
	rec := newRecording(c, id, content, content.Size())
	c.enter(rec)
	c.keepOpen(rec)
	return rec
}

// enter puts a recording into the catalogue, which holds it from now on, as does the caller. The
// caller holds c.mu.
func (c *Catalogue) enter(rec *Recording) {
	c.open[rec.id] = rec
	rec.entered = true
	c.hold(rec)
	c.hold(rec)
}

// letGo ends the catalogue's own hold, which enter began; it may be called again. The caller holds
// c.mu.
func (c *Catalogue) letGo(rec *Recording) {
	if rec != nil && rec.entered {
		rec.entered = false
		c.drop(rec)
	}
}

// keepOpen makes a finished recording one of the recent ones. The catalogue lets go of it when so
// many others have come that its place is needed. The caller holds c.mu.
func (c *Catalogue) keepOpen(rec *Recording) {
	c.letGo(c.recent[c.oldest])
	c.recent[c.oldest] = rec
	c.oldest = (c.oldest + 1) % len(c.recent)
}

// hold counts a new holder. The caller holds c.mu.
func (c *Catalogue) hold(rec *Recording) {
	rec.holders++
	c.holders.Add(1)
}

// drop takes a holder away, and closes the content after the last one. The caller holds c.mu.
func (c *Catalogue) drop(rec *Recording) {
	defer c.holders.Done()
	if rec.holders--; rec.holders > 0 {
		return
	}
	if c.open[rec.id] == rec {
		delete(c.open, rec.id)
	}
	rec.content.Close() // an error loses nothing: a finished one is durable, and an uploader asks what is stored of a growing one
}

// Stats is how many recordings are in use.
type Stats struct {
	Growing int // recordings whose upload goes on
	Holders int // requests, audiences and so on that hold a recording; the catalogue itself is one for each that is open
}

// Stats returns the present numbers.
func (c *Catalogue) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	var s Stats
	for _, rec := range c.open {
		if !rec.Finished() {
			s.Growing++
		}
		s.Holders += rec.holders
	}
	return s
}

// Close ends the contexts of all open recordings with ErrClosed, and waits until nobody holds one.
// It loses nothing: the next Open of the same storage finds what was stored.
func (c *Catalogue) Close() {
	c.mu.Lock()
	c.closed = true
	for _, rec := range c.open {
		rec.end(ErrClosed)
		c.letGo(rec)
	}
	c.mu.Unlock()
	c.holders.Wait()
}
