// Package command is what the station does when somebody tells it to: words go in, an answer
// comes out. It knows nothing of Matrix; internal/bot carries the words here and the answer
// back.
//
// A command is a row of the table in this file and a function: those about shows are in
// live.go. Who may give it is in rights.go, and processor.go finds the row.
package command

import (
	"context"
	"time"

	"broadcastbot/internal/broadcast"
	"broadcastbot/store"
)

// Request is what somebody says in a room.
type Request struct {
	Room  string
	User  string   // Matrix user id of who says it
	Power int      // their power level in the room
	Words []string // see Parse; a command's function gets those behind its name

	ReplyTo string    // id of the event that it answers; "": none
	Before  time.Time // only shows that began before then are meant; zero: all
	Direct  bool      // the room is a direct chat of the user and the station
}

// command is a row of the table.
type command struct {
	name    string
	aliases []string // other names, which help does not list
	usage   string   // the words behind the name
	help    string   // one line
	// An urgent command only takes something away: what comes too late, or is too much, of others
	// is not obeyed, but nothing must keep a show on air that somebody wants to end.
	urgent bool
	// has reports whether the station has what the command is about. nil: every station has.
	has func(*Processor) bool
	// may returns a Refusal for who must not give the command. nil: everybody may.
	may func(*Processor, Request) error
	// run carries the command out and returns the answer. See Processor.Answer for errors.
	run func(*Processor, context.Context, Request) (string, error)
	// direct is run for a direct chat, in which nothing goes on air. nil: it is refused there.
	direct func(*Processor, context.Context, Request) (string, error)
}

// commands is the table; a function, because help reads it as well.
func commands() []command {
	return []command{
		{name: "!live start", usage: "[source] [title]", help: "go on air; !live alone does so, too", may: mayStart, run: start},
		{name: "!live stop", help: "end the show", urgent: true, run: stop, direct: stopOwn},
		{name: "!live delete", help: "delete the show on air, or the last one, for good; as an answer to an announcement, that show", urgent: true, run: deleteShow},
		{name: "!live status", help: "how the show is going", run: status, direct: statusOfOwn},
		{name: "!live source revoke", help: "make void what you type into your program, and end what is on air with it", urgent: true,
			has: takesPrograms, run: revokeMount, direct: revokeOwn},
		{name: "!live source", help: "go on air with a program of yours, such as BUTT or Mixxx: I send you what to type into it",
			has: takesPrograms, may: mayStart, run: newMount, direct: sourcesOfOwn},
		{name: "!help", aliases: []string{"!live help"}, help: "this list", run: help, direct: helpInDirect},
	}
}

// Refusal is an error that says in full, in whole sentences, what the caller has to know.
type Refusal string

func (r Refusal) Error() string { return string(r) }

// Broadcasts is what the commands control. *broadcast.Manager is the real one.
type Broadcasts interface {
	// Start begins a show in a room. Where one is on air already, it returns that one.
	Start(ctx context.Context, r broadcast.Request) (show store.Show, started bool, err error)
	// Stop ends the show of a room and returns when all of it is recorded; what belongs to the end,
	// such as the voice message, follows by itself. Where there is none, the error is
	// broadcast.ErrNotLive.
	Stop(ctx context.Context, room string) (store.Show, error)
	// StopIf is Stop for a show of which isMeant is true. Where there is no such show, the error is
	// broadcast.ErrNotLive.
	StopIf(ctx context.Context, room string, isMeant func(*store.Show) bool) (store.Show, error)
	// Find returns the show that one of its messages belongs to; without one, the show on air in the
	// room or its last one. Where there is none, the error is broadcast.ErrNoShow.
	Find(ctx context.Context, room, event string) (store.Show, error)
	// Delete removes a show and every trace of it. It returns when listeners are cut off and the
	// deletion is on record; if one of these did not work yet, the error is broadcast.ErrNotCutOff or
	// broadcast.ErrNotOnRecord. The rest follows by itself.
	Delete(ctx context.Context, id string) error
	// Redacted deletes the show that an event announces, if the room has removed that.
	Redacted(ctx context.Context, room, event string) error
	// CheckAnnouncements does so for all shows of the room.
	CheckAnnouncements(ctx context.Context, room string)
	// Status returns how the show of a room stands, if there is one.
	Status(room string) (broadcast.Status, bool)
	// OnAir returns how all shows stand that are on air or coming back, the oldest first.
	OnAir() []broadcast.Status
}

var _ Broadcasts = (*broadcast.Manager)(nil)

// Rooms are what the commands have to know of rooms, as it is at this moment, and the way to somebody
// in them. *bot.Bot is the real one.
type Rooms interface {
	// IsEncrypted reports whether the members of a room encrypt what they write.
	IsEncrypted(ctx context.Context, room string) (bool, error)
	// Member returns the power level that somebody has in a room. Where they or the station are not in
	// it, present is false.
	Member(ctx context.Context, room, user string) (power int, present bool, err error)
	// RoomName returns what members call a room.
	RoomName(ctx context.Context, room string) string
	// Direct writes to somebody what nobody else may read. What they have to know of why that does
	// not work is a Refusal.
	Direct(ctx context.Context, user, text string) error
}
