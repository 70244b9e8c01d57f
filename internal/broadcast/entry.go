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

	saving  sync.Mutex // keeps the newest state of the record the last one to be saved
	removed bool       // nothing is saved any more; saving guards it
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
	e.change(change)
	return e.save()
}

// change changes the record without saving it. A show that is being deleted stays that, whatever else
// comes to its end meanwhile.
func (e *entry) change(change func(*store.Show)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	isDeleting := e.show.Stage == store.Deleting
	change(&e.show)
	if isDeleting || e.show.Stage == store.Deleting {
		e.show.Stage = store.Deleting
		e.show.Forget()
	}
}

// save saves the record as it is. Nobody who reads it has to wait for the disk.
func (e *entry) save() error {
	e.saving.Lock()
	defer e.saving.Unlock()
	if e.removed {
		return nil
	}
	show := e.get()
	err := e.store.SaveShow(context.Background(), &show) // also while the program ends
	if err != nil {
		e.log.Error("the record was not saved", "err", err)
	}
	return err
}

// add saves the record of a show that is new: no other show's record is ever replaced.
func (e *entry) add() error {
	e.saving.Lock()
	defer e.saving.Unlock()
	show := e.get()
	return e.store.AddShow(context.Background(), &show)
}

// noteVoicing notes that a voice message may be on its way: who deletes the show has to look for it.
func (e *entry) noteVoicing() {
	if show := e.get(); !show.VoiceMayBePosted() {
		e.update((*store.Show).NoteVoicing)
	}
}

// remove removes the record for good.
func (e *entry) remove(ctx context.Context) error {
	e.saving.Lock()
	defer e.saving.Unlock()
	if err := e.store.RemoveShow(ctx, e.show.ID); err != nil {
		return err
	}
	e.removed = true
	return nil
}
