package bot

import (
	"context"
	"errors"
	"sync"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/retry"
)

// rooms are those the bot is in, and what is being done in each.
type rooms struct {
	mu      sync.Mutex
	joined  map[id.RoomID]bool
	waiting map[id.RoomID][]func() // tasks; a room is in it while its tasks are being done
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

// maxWaiting is how many tasks of a room may wait. Answers go out one by one,
// as fast as the homeserver allows; a flood of commands must not pile up.
const maxWaiting = 16

// enqueue adds a task to the room's queue, or says that it is full. idle means
// that nobody works on the queue yet.
func (r *rooms) enqueue(room id.RoomID, task func()) (idle, full bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	waiting, busy := r.waiting[room]
	if len(waiting) >= maxWaiting {
		return false, true
	}
	r.waiting[room] = append(waiting, task)
	return !busy, false
}

// replace puts a task in the place of all that wait, and says how many did.
func (r *rooms) replace(room id.RoomID, task func()) (idle bool, dropped int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	waiting, busy := r.waiting[room]
	r.waiting[room] = []func(){task}
	return !busy, len(waiting)
}

// next takes the first task out of the room's queue. Where there is none, the
// caller has ceased to work on the queue.
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

// inTurn runs a task in the background, after those that came before it from
// the same room. Rooms do not wait for each other. A task too many is dropped.
func (b *Bot) inTurn(room id.RoomID, task func()) {
	idle, full := b.rooms.enqueue(room, task)
	if full {
		b.log.Warn("dropped a command: too many of this room are waiting already", "room", room)
	}
	if idle {
		b.running.Go(func() { b.work(room) })
	}
}

// instead is inTurn for a task that makes those before it pointless: only the
// one that is being carried out is waited for, the others are dropped.
func (b *Bot) instead(room id.RoomID, task func()) {
	idle, dropped := b.rooms.replace(room, task)
	if dropped > 0 {
		b.log.Info("dropped commands that were still waiting", "room", room, "count", dropped)
	}
	if idle {
		b.running.Go(func() { b.work(room) })
	}
}

// work does the room's tasks until none is left.
func (b *Bot) work(room id.RoomID) {
	for task, ok := b.rooms.next(room); ok; task, ok = b.rooms.next(room) {
		task()
	}
}

// learnRooms asks which rooms we were in before this start. What is said in
// others before we join is not for us.
func (b *Bot) learnRooms(ctx context.Context) error {
	joined, err := b.client.JoinedRooms(ctx)
	if err != nil {
		return b.session.Explain(err)
	}
	for _, room := range joined.JoinedRooms {
		b.rooms.set(room, true)
	}
	return nil
}

// onMember keeps track of where we are, takes invitations, and ends the show of
// a room that we are no longer in.
func (b *Bot) onMember(ctx context.Context, evt *event.Event, broadcasts Broadcasts) {
	if evt.GetStateKey() != b.client.UserID.String() {
		return
	}
	membership := evt.Content.AsMember().Membership
	b.rooms.set(evt.RoomID, membership == event.MembershipJoin)
	switch membership {
	case event.MembershipInvite:
		b.inTurn(evt.RoomID, func() { b.takeInvite(ctx, evt) })
	case event.MembershipLeave, event.MembershipBan:
		b.instead(evt.RoomID, func() { b.endShow(ctx, evt.RoomID, broadcasts) })
	}
}

// endShow closes the microphone for a room that has sent us away.
func (b *Bot) endShow(ctx context.Context, room id.RoomID, broadcasts Broadcasts) {
	_, err := broadcasts.Stop(ctx, room.String())
	switch {
	case errors.Is(err, broadcast.ErrNotLive):
	case err != nil:
		b.log.Warn("the show of a room that we are no longer in has no proper end", "room", room, "err", err)
	default:
		b.log.Info("ended the show of a room that we are no longer in", "room", room)
	}
}

// takeInvite joins the room, or declines where the inviter is not welcome.
func (b *Bot) takeInvite(ctx context.Context, evt *event.Event) {
	log := b.log.With("room", evt.RoomID, "user", evt.Sender)
	if !b.access.inviters.match(evt.Sender.String()) {
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

// joinPolicy has several attempts, because our server may hear of a remote invitation before the
// room's server knows of it, and then refuses.
var joinPolicy = retry.Policy{First: time.Second, Max: 16 * time.Second, Attempts: 6}

// join joins a room.
func (b *Bot) join(ctx context.Context, room id.RoomID) error {
	return retry.Do(ctx, joinPolicy, func(ctx context.Context) error {
		_, err := b.client.JoinRoomByID(ctx, room)
		return err
	}, nil, nil)
}
