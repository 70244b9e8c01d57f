package bot

import (
	"context"
	"sync"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/command"
	"broadcastbot/internal/retry"
)

// rooms are those that the bot is in, and the tasks of each.
type rooms struct {
	mu      sync.Mutex
	joined  map[id.RoomID]bool
	waiting map[id.RoomID][]func() // tasks; a room is in it while its tasks are run
}

func newRooms() rooms {
	return rooms{joined: make(map[id.RoomID]bool), waiting: make(map[id.RoomID][]func())}
}

func (r *rooms) set(room id.RoomID, joined bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if joined {
		r.joined[room] = true
	} else {
		delete(r.joined, room)
	}
}

func (r *rooms) contains(room id.RoomID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.joined[room]
}

// maxWaiting is how many tasks of a room may wait. Answers go out one by one, as fast as the
// homeserver allows; a flood of commands must not pile up.
const maxWaiting = 16

// add puts a task behind those that wait in the room, unless they are too many. isIdle means
// that nobody runs the room's tasks yet.
func (r *rooms) add(room id.RoomID, task func()) (isIdle, isFull bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	waiting, isBusy := r.waiting[room]
	if len(waiting) >= maxWaiting {
		return false, true
	}
	r.waiting[room] = append(waiting, task)
	return !isBusy, false
}

// replace puts a task in the place of all that wait in the room, and returns how many did.
func (r *rooms) replace(room id.RoomID, task func()) (isIdle bool, dropped int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	waiting, isBusy := r.waiting[room]
	r.waiting[room] = []func(){task}
	return !isBusy, len(waiting)
}

// next takes the room's first task out. Without one, ok is false, and the caller no longer
// runs the room's tasks.
func (r *rooms) next(room id.RoomID) (task func(), ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	waiting := r.waiting[room]
	if len(waiting) == 0 {
		delete(r.waiting, room)
		return nil, false
	}
	r.waiting[room] = waiting[1:]
	return waiting[0], true
}

// enqueue runs a task in the background, after those that came before it from the same room.
// Rooms do not wait for each other. A task too many is dropped.
func (b *Bot) enqueue(room id.RoomID, task func()) {
	isIdle, isFull := b.rooms.add(room, task)
	if isFull {
		b.log.Warn("dropped a command: too many of this room are waiting already", "room", room)
	}
	if isIdle {
		b.running.Go(func() { b.runTasks(room) })
	}
}

// overtake runs a task that makes those that wait in its room pointless: only the one that
// runs already is waited for, the others are dropped.
func (b *Bot) overtake(room id.RoomID, task func()) {
	isIdle, dropped := b.rooms.replace(room, task)
	if dropped > 0 {
		b.log.Info("dropped commands that were still waiting", "room", room, "count", dropped)
	}
	if isIdle {
		b.running.Go(func() { b.runTasks(room) })
	}
}

// runTasks runs the room's tasks until none is left.
func (b *Bot) runTasks(room id.RoomID) {
	for task, ok := b.rooms.next(room); ok; task, ok = b.rooms.next(room) {
		task()
	}
}

// loadRooms asks which rooms we were in before this start. What was said in other rooms
// before we join them is not for us.
func (b *Bot) loadRooms(ctx context.Context) error {
	joined, err := b.client.JoinedRooms(ctx)
	if err != nil {
		return b.session.Explain(err)
	}
	for _, room := range joined.JoinedRooms {
		b.rooms.set(room, true)
	}
	return nil
}

// onMember notes where we are, answers invitations, and ends the show of a room that we are
// no longer in.
func (b *Bot) onMember(ctx context.Context, evt *event.Event, commands *command.Processor) {
	if evt.GetStateKey() != b.client.UserID.String() {
		return
	}
	membership := evt.Content.AsMember().Membership
	b.rooms.set(evt.RoomID, membership == event.MembershipJoin)
	switch membership {
	case event.MembershipInvite:
		b.enqueue(evt.RoomID, func() { b.answerInvitation(ctx, evt) })
	case event.MembershipLeave, event.MembershipBan:
		b.overtake(evt.RoomID, func() { commands.LeftRoom(ctx, evt.RoomID.String()) })
	}
}

// answerInvitation joins the room, or declines if the inviter is not among Options.Inviters.
func (b *Bot) answerInvitation(ctx context.Context, evt *event.Event) {
	log := b.log.With("room", evt.RoomID, "user", evt.Sender)
	if !b.options.Inviters.Match(evt.Sender.String()) {
		log.Info("declined an invitation: the user is not among the allowed inviters")
		if _, err := b.client.LeaveRoom(ctx, evt.RoomID); err != nil {
			log.Warn("an invitation could not be declined", "err", err)
		}
		return
	}
	if err := b.join(ctx, evt.RoomID); err != nil {
		log.Warn("an invitation could not be followed: invite the bot again", "err", err)
		return
	}
	log.Info("joined a room")
}

// joinPolicy has several attempts, because our server may hear of an invitation from another
// server before the room's server knows of it, and is refused then.
var joinPolicy = retry.Policy{First: time.Second, Max: 16 * time.Second, Attempts: 6}

// join joins a room.
func (b *Bot) join(ctx context.Context, room id.RoomID) error {
	return retry.Do(ctx, joinPolicy, func(ctx context.Context) error {
		_, err := b.client.JoinRoomByID(ctx, room)
		return err
	}, nil, nil)
}
