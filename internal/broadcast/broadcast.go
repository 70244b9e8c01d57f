// Package broadcast is the sending line: it takes packets from a source, has
// them made into blocks on a spool, and keeps the gateway's copy complete.
//
// session.go is the way of a packet. manager.go starts and stops shows,
// prepare.go opens what they need, conclude.go brings them to their end, and
// resume.go repairs what a crash left open.
package broadcast

import (
	"context"
	"errors"

	"broadcastbot/store"
)

// Request asks for a show.
type Request struct {
	Room    string
	Speaker string // Matrix user id
	Source  string // such as device:default; empty for the configured one
	Title   string
	Plain   bool // not encrypted
}

// Announcer tells a room what happens. Announce and Conclude change the record,
// which the caller saves; both can be repeated, and then do only what is still
// to be done.
type Announcer interface {
	// Ready returns when rooms can be told something, or an error when that
	// can never be.
	Ready(ctx context.Context) error
	// Announce posts the announcement of a show that begins and sets Event,
	// and MXC where the homeserver could reserve one.
	Announce(ctx context.Context, b *store.Broadcast) error
	// Conclude tells the room the end: it uploads the finished file from
	// b.Spool, edits the announcement and posts the voice message.
	Conclude(ctx context.Context, b *store.Broadcast) error
	// Say posts a notice.
	Say(ctx context.Context, room, text string) error
}

// ErrNotLive means that there is no show in the room.
var ErrNotLive = errors.New("nothing is on air in this room")
