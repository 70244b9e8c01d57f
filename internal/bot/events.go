package bot

import (
	"context"
	"log/slog"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/command"
	"broadcastbot/internal/retry"
)

// eventHandler does what the rooms' events ask for.
type eventHandler struct {
	bot      *Bot
	client   *mautrix.Client // the bot's
	commands *command.Processor
	started  time.Time // older messages are not for us
	joined   *joinedRooms
	tasks    *taskQueue
	log      *slog.Logger

	obeyed *obeyedCommands
	told   *once // to people and rooms, beside the answers
}

func newEventHandler(b *Bot, commands *command.Processor) *eventHandler {
	return &eventHandler{
		bot: b, client: b.client, commands: commands, started: time.Now(),
		joined: newJoinedRooms(),
		tasks:  newTaskQueue(b.log),
		log:    b.log,

		obeyed: newObeyedCommands(),
		told:   newOnce(24 * time.Hour),
	}
}

// subscribe has the handler called with what the rooms send.
func (h *eventHandler) subscribe(ctx context.Context) {
	h.bot.session.OnLeftOut(func(room id.RoomID, users []id.UserID) { h.tellLeftOut(ctx, room, users) })
	syncer := h.client.Syncer.(mautrix.ExtensibleSyncer)
	syncer.OnEventType(event.StateMember, h.onMember)
	syncer.OnEventType(event.StateMember, h.onDirectMember)
	syncer.OnEventType(event.EventMessage, h.onMessage)
}

// loadRooms asks which rooms we were in before this start. What was said in other rooms before we
// join them is not for us.
func (h *eventHandler) loadRooms(ctx context.Context) error {
	joined, err := h.client.JoinedRooms(ctx)
	if err != nil {
		return h.bot.session.Explain(err)
	}
	for _, room := range joined.JoinedRooms {
		h.joined.set(room, true)
	}
	return nil
}

// onMember notes where we are, answers invitations, and ends the show of a room that we are no
// longer in. What it was like before we came, which the timeline of a join tells too, is over: an
// invitation counts only while it is open.
func (h *eventHandler) onMember(ctx context.Context, evt *event.Event) {
	if evt.GetStateKey() != h.client.UserID.String() {
		return
	}
	membership := evt.Content.AsMember().Membership
	isOpen := evt.Mautrix.EventSource&event.SourceInvite != 0
	switch {
	case membership == event.MembershipInvite && isOpen:
		h.joined.set(evt.RoomID, false)
		h.tasks.enqueue(lane{evt.RoomID, evt.Sender}, false, func() { h.answerInvitation(ctx, evt) })
	case membership == event.MembershipInvite || isOpen:
	case membership == event.MembershipJoin:
		h.joined.set(evt.RoomID, evt.Mautrix.EventSource&event.SourceLeave == 0)
	default:
		h.joined.set(evt.RoomID, false)
		h.tasks.runBeside(func() { h.commands.LeftRoom(ctx, evt.RoomID.String()) })
	}
}

// answerInvitation joins the room, or declines if the inviter is not among Options.Inviters.
func (h *eventHandler) answerInvitation(ctx context.Context, evt *event.Event) {
	log := h.log.With("room", evt.RoomID, "user", evt.Sender)
	if !h.bot.options.Inviters.Match(evt.Sender.String()) {
		log.Info("declined an invitation: the user is not among the allowed inviters")
		if _, err := h.client.LeaveRoom(ctx, evt.RoomID); err != nil {
			log.Warn("an invitation could not be declined", "err", err)
		}
		return
	}
	if err := h.bot.join(ctx, evt.RoomID); err != nil {
		log.Warn("an invitation could not be followed: invite the bot again", "err", err)
		return
	}
	log.Info("joined a room")
	if evt.Content.AsMember().IsDirect {
		h.bot.chats.adopt(ctx, evt.RoomID, evt.Sender)
	}
}

// joinPolicy has several attempts, because our server may hear of an invitation from another server
// before the room's server knows of it, and is refused then.
var joinPolicy = retry.Policy{First: time.Second, Max: 16 * time.Second, Attempts: 6}

// join joins a room.
func (b *Bot) join(ctx context.Context, room id.RoomID) error {
	return retry.Do(ctx, joinPolicy, func(ctx context.Context) error {
		_, err := b.client.JoinRoomByID(ctx, room)
		return err
	}, nil, nil)
}
