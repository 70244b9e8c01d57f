package bot

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// list returns m.direct: rooms by user, the newest last. What of it cannot be read is left out.
func (c *directChats) list(ctx context.Context) (event.DirectChatsEventContent, error) {
	var raw json.RawMessage
	err := c.session.Client.GetAccountData(ctx, event.AccountDataDirectChats.Type, &raw)
	if err != nil && !errors.Is(err, mautrix.MNotFound) {
		return nil, err
	}
	listed := make(event.DirectChatsEventContent)
	if err == nil && json.Unmarshal(raw, &listed) != nil {
		c.log.Warn("the list of direct chats is malformed: what cannot be read of it is forgotten")
	}
	return listed, nil
}

// note remembers that a room is the chat with a user, and lists it.
func (c *directChats) note(ctx context.Context, room id.RoomID, user id.UserID) {
	c.mu.Lock()
	c.users[room] = user
	c.mu.Unlock()
	c.relist(ctx, room, user)
}

// drop forgets that a room was a direct chat.
func (c *directChats) drop(ctx context.Context, room id.RoomID) {
	c.mu.Lock()
	delete(c.users, room)
	c.mu.Unlock()
	c.relist(ctx, room, "")
}

// relist has a room stand in the list as the newest of the user's, and of nobody else's; without a
// user, it stands there no more. Until the next start the list is not needed.
func (c *directChats) relist(ctx context.Context, room id.RoomID, user id.UserID) {
	c.listing.Lock()
	defer c.listing.Unlock()
	listed, err := c.list(ctx)
	if err == nil && c.move(listed, room, user) {
		err = c.session.Client.SetAccountData(ctx, event.AccountDataDirectChats.Type, listed)
	}
	if err != nil {
		c.log.Warn("the list of direct chats cannot be written", "err", err)
	}
}

// move does what relist says, and reports whether the list has changed.
func (c *directChats) move(listed event.DirectChatsEventContent, room id.RoomID, user id.UserID) (changed bool) {
	for whose, rooms := range listed {
		isThere := whose == user && len(rooms) > 0 && rooms[len(rooms)-1] == room
		if isThere || !slices.Contains(rooms, room) {
			continue
		}
		changed = true
		listed[whose] = slices.DeleteFunc(rooms, func(listed id.RoomID) bool { return listed == room })
	}
	if rooms := listed[user]; user != "" && !slices.Contains(rooms, room) {
		changed = true
		listed[user] = append(rooms, room)
	}
	return changed
}
