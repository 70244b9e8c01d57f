package commandtest

import (
	"context"
	"sync"
)

// Rooms implements command.Rooms for one room. Set the fields before use.
type Rooms struct {
	Encrypted bool
	Powers    map[string]int // of the members
	Err       error          // of IsEncrypted and Member
	DirectErr error

	mu   sync.Mutex
	sent []Sent
}

// Sent is a message in a direct chat.
type Sent struct{ User, Text string }

// IsEncrypted implements command.Rooms.
func (f *Rooms) IsEncrypted(context.Context, string) (bool, error) { return f.Encrypted, f.Err }

// Member implements command.Rooms.
func (f *Rooms) Member(_ context.Context, _, user string) (power int, present bool, err error) {
	power, present = f.Powers[user]
	return power, present, f.Err
}

// RoomName implements command.Rooms.
func (f *Rooms) RoomName(_ context.Context, room string) string { return "Room " + room }

// Direct implements command.Rooms.
func (f *Rooms) Direct(_ context.Context, user, text string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.DirectErr == nil {
		f.sent = append(f.sent, Sent{user, text})
	}
	return f.DirectErr
}

// Sent returns what was written in direct chats.
func (f *Rooms) Sent() []Sent {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sent
}
