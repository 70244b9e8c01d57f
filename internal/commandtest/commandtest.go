// Package commandtest has a station without sound, for tests of what controls one.
package commandtest

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"broadcastbot/internal/broadcast"
	"broadcastbot/store"
)

// Duration is how long every show was when it is stopped.
const Duration = 754 * time.Second

// Broadcasts implements command.Broadcasts.
type Broadcasts struct {
	Live    map[string]broadcast.Status // by room; set it before use
	Err     error                       // of every Start and Stop
	Panics  bool                        // Start does
	Stopped chan string                 // gets the rooms whose show is over; nil: nobody waits
	Shows   map[string]store.Show       // what Find finds, by event
	Removed chan string                 // gets what is deleted: ids of Delete, events of Redacted; nil: nobody waits
	Checked chan string                 // gets the rooms of CheckAnnouncements; nil: nobody waits

	mu    sync.Mutex
	asked []broadcast.Request
}

// Start puts a show on air, unless one is.
func (f *Broadcasts) Start(_ context.Context, r broadcast.Request) (store.Show, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Panics {
		panic("Start panics, as the test wants")
	}
	if f.Err != nil {
		return store.Show{}, false, f.Err
	}
	if running, live := f.Live[r.Rooms[0]]; live {
		return running.Show, false, nil
	}
	f.asked = append(f.asked, r)
	show := store.Show{
		Speaker: r.Speaker, Title: r.Title, Stage: store.Live,
		Tracks: []store.Track{{Plain: r.Plain}}, Announcements: []store.Announcement{{Room: r.Rooms[0]}},
	}
	if f.Live == nil {
		f.Live = make(map[string]broadcast.Status)
	}
	f.Live[r.Rooms[0]] = broadcast.Status{Show: show}
	return show, true, nil
}

// Set puts a show on air.
func (f *Broadcasts) Set(room string, status broadcast.Status) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Live == nil {
		f.Live = make(map[string]broadcast.Status)
	}
	f.Live[room] = status
}

// Stop takes the room's show off air.
func (f *Broadcasts) Stop(_ context.Context, room string) (store.Show, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	running, live := f.Live[room]
	if f.Err != nil {
		return store.Show{}, f.Err
	}
	if !live {
		return store.Show{}, fmt.Errorf("stop: %w", broadcast.ErrNotLive)
	}
	delete(f.Live, room)
	if f.Stopped != nil {
		f.Stopped <- room
	}
	running.Show.Stage = store.Concluding
	running.Show.Tracks = []store.Track{{Recap: store.Recap{Extent: store.Extent{Duration: Duration}}}}
	return running.Show, nil
}

// StopIf takes the room's show off air if it is meant.
func (f *Broadcasts) StopIf(ctx context.Context, room string, isMeant func(*store.Show) bool) (store.Show, error) {
	if running, live := f.Status(room); !live || !isMeant(&running.Show) {
		return store.Show{}, broadcast.ErrNotLive
	}
	return f.Stop(ctx, room)
}

// Find returns what Shows has for the event.
func (f *Broadcasts) Find(_ context.Context, _, event string) (store.Show, error) {
	if show, ok := f.Shows[event]; ok {
		return show, nil
	}
	return store.Show{}, broadcast.ErrNoShow
}

// Delete notes what is to be deleted.
func (f *Broadcasts) Delete(_ context.Context, id string) error {
	if f.Removed != nil {
		f.Removed <- id
	}
	return f.Err
}

// Redacted notes what is to be deleted.
func (f *Broadcasts) Redacted(ctx context.Context, _, event string) error {
	return f.Delete(ctx, event)
}

// CheckAnnouncements notes where something may have to be deleted.
func (f *Broadcasts) CheckAnnouncements(_ context.Context, room string) {
	if f.Checked != nil {
		f.Checked <- room
	}
}

// Status returns how the room's show stands.
func (f *Broadcasts) Status(room string) (broadcast.Status, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	running, live := f.Live[room]
	return running, live
}

// OnAir returns how all shows stand, ordered by their rooms.
func (f *Broadcasts) OnAir() (all []broadcast.Status) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, room := range slices.Sorted(maps.Keys(f.Live)) {
		all = append(all, f.Live[room])
	}
	return all
}

// Asked returns the requests that have put a show on air.
func (f *Broadcasts) Asked() []broadcast.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// CheckAsked compares the only show that was put on air with want; nil is none at all.
func (f *Broadcasts) CheckAsked(t *testing.T, want *broadcast.Request) {
	t.Helper()
	got := f.Asked()
	switch {
	case want == nil && len(got) > 0:
		t.Errorf("started %+v", got)
	case want != nil && (len(got) != 1 || !reflect.DeepEqual(got[0], *want)):
		t.Errorf("started %+v, want %+v", got, *want)
	}
}
