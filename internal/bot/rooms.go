package bot

import (
	"sync"

	"maunium.net/go/mautrix/id"
)

// joinedRooms are the rooms that the bot is in.
type joinedRooms struct {
	mu  sync.Mutex
	ids map[id.RoomID]bool
}

func newJoinedRooms() *joinedRooms { return &joinedRooms{ids: make(map[id.RoomID]bool)} }

func (r *joinedRooms) set(room id.RoomID, joined bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if joined {
		r.ids[room] = true
	} else {
		delete(r.ids, room)
	}
}

func (r *joinedRooms) contains(room id.RoomID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ids[room]
}
