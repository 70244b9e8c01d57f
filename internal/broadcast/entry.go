package broadcast

import (
	"context"
	"log/slog"
	"sync"

	"broadcastbot/store"
)

// entry is the record of one show, shared by all that work on the show. Whoever
// reads it gets a copy, and every change is saved.
type entry struct {
	store *store.Store
	log   *slog.Logger

	mu   sync.Mutex
	show store.Show
}

func newEntry(o *Options, show *store.Show) *entry {
	return &entry{store: o.Store, log: o.Log.With("show", show.ID), show: *show}
}

// get returns a copy of the record.
func (e *entry) get() store.Show {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.show.Clone()
}

// update changes the record and saves it. A change that was not saved still holds
// for as long as the program runs; a crash then repeats what led to it.
func (e *entry) update(change func(*store.Show)) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(&e.show)
	err := e.store.SaveShow(context.Background(), &e.show) // also while the program ends
	if err != nil {
		e.log.Error("the record was not saved", "err", err)
	}
	return err
}

// save saves the record as it is.
func (e *entry) save() error { return e.update(func(*store.Show) {}) }
