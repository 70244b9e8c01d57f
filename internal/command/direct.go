package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"broadcastbot/internal/broadcast"
	"broadcastbot/store"
)

// errDirect is for what belongs into a room. A show in a direct chat would have nobody to listen to it.
const errDirect = Refusal("This is our direct chat, where I write what nobody but you may read, and nobody else is here to listen. " +
	"Say that in the room that it is about; invite me there if I am not in it yet.")

// runDirect carries out a command that is said in a direct chat.
func (c *command) runDirect(p *Processor, ctx context.Context, r Request) (string, error) {
	if c.direct == nil {
		return "", errDirect
	}
	return c.direct(p, ctx, r)
}

func helpInDirect(p *Processor, _ context.Context, _ Request) (string, error) {
	return "I put a voice on air in rooms. This is our direct chat, where I write what nobody but you may read. " +
		"Here, !live status and !live stop are about your own shows. Invite me into the room that is to hear you, and say there:" + p.list(), nil
}

const nothingOwnOnAir = "You have nothing on air. How the shows of others stand, I say in their rooms."

// statusOfOwn tells of the shows that the user has on air, in all rooms.
func statusOfOwn(p *Processor, ctx context.Context, r Request) (string, error) {
	return p.eachOwn(ctx, r, func(running *broadcast.Status) (string, error) { return extent(running), nil })
}

// stopOwn ends them: whoever hurries to close a microphone does not look for its room first.
func stopOwn(p *Processor, ctx context.Context, r Request) (string, error) {
	return p.eachOwn(ctx, r, func(running *broadcast.Status) (string, error) {
		return over(p.Broadcasts.StopIf(ctx, roomOf(&running.Show), func(show *store.Show) bool { return show.ID == running.Show.ID }))
	})
}

// eachOwn returns what is to be said of each show that the user has on air.
func (p *Processor) eachOwn(ctx context.Context, r Request, say func(*broadcast.Status) (string, error)) (string, error) {
	own := slices.DeleteFunc(p.Broadcasts.OnAir(), func(running broadcast.Status) bool {
		return running.Show.Speaker != r.User || !r.means(&running.Show)
	})
	if len(own) == 0 {
		return nothingOwnOnAir, nil
	}
	rooms := make([]string, len(own))
	for i := range own {
		rooms[i] = roomOf(&own[i].Show)
	}
	return p.inEach(ctx, rooms, func(i int) (string, error) { return say(&own[i]) })
}

// inEach does something in several rooms, given by number, and returns what is to be said of it, a line
// for each. What does not work in one is no reason to leave the others.
func (p *Processor) inEach(ctx context.Context, rooms []string, do func(i int) (string, error)) (string, error) {
	lines, errs := make([]string, len(rooms)), make([]error, len(rooms))
	for i := range rooms {
		lines[i], errs[i] = do(i)
	}
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	for i, room := range rooms { // behind what may be urgent: the homeserver takes its time
		lines[i] = fmt.Sprintf("In %s: %s", p.Rooms.RoomName(ctx, room), lines[i])
	}
	return strings.Join(lines, "\n"), nil
}

// roomOf returns a room that has the show.
func roomOf(show *store.Show) string {
	if announced := show.AnnouncedIn(); len(announced) > 0 {
		return announced[0]
	}
	return show.Announcements[0].Room // where it is not announced yet
}
