package bot

import (
	"context"
	"sync"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// rooms are those the bot is in, and what is being done in each.
type rooms struct {
	mu     sync.Mutex
	joined map[id.RoomID]bool
	last   map[id.RoomID]chan struct{} // closed when the newest task has ended
}

func newRooms() rooms {
	return rooms{joined: make(map[id.RoomID]bool), last: make(map[id.RoomID]chan struct{})}
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

// enqueue returns a channel to wait for before a task may begin (nil: at once)
// and what to call when it has ended.
func (r *rooms) enqueue(room id.RoomID) (before <-chan struct{}, end func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	done := make(chan struct{})
	before = r.last[room]
	r.last[room] = done
	return before, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		close(done)
		if r.last[room] == done {
			delete(r.last, room)
		}
	}
}

// inTurn runs a task in the background, after those that came before it from
// the same room. Rooms do not wait for each other.
func (b *Bot) inTurn(room id.RoomID, task func()) {
	before, end := b.rooms.enqueue(room)
	b.running.Go(func() {
		defer end()
		if before != nil {
			<-before
		}
		task()
	})
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

// onMember keeps track of where we are, and takes invitations.
func (b *Bot) onMember(ctx context.Context, evt *event.Event) {
	if evt.GetStateKey() != b.client.UserID.String() {
		return
	}
	membership := evt.Content.AsMember().Membership
	b.rooms.set(evt.RoomID, membership == event.MembershipJoin)
	if membership == event.MembershipInvite {
		b.inTurn(evt.RoomID, func() { b.takeInvite(ctx, evt) })
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

// join tries several times: our server may hear of a remote invitation before
// the room's server knows of it, and then refuses.
func (b *Bot) join(ctx context.Context, room id.RoomID) error {
	for wait := time.Second; ; wait *= 2 {
		_, err := b.client.JoinRoomByID(ctx, room)
		if err == nil || wait > 16*time.Second {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
