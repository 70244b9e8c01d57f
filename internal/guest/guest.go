// Package guest is a person's Matrix account that listens: it follows rooms and
// finds the shows that are announced there.
package guest

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/matrix"
)

// history is how many messages a guest remembers, and looks back for in a room.
const history = 500

// Guest is one account. Its methods work while Run does.
type Guest struct {
	*matrix.Session
	Follows func(inviter id.UserID) bool // whose invitations are followed; nil: nobody's. Set it before Run

	mu      sync.Mutex
	events  []*event.Event // decrypted messages, the oldest first
	dropped int            // how many came before those
	changed chan struct{}  // closed at the next message
}

// New checks the account. It connects to nothing: see Run.
func New(a matrix.Account, log *slog.Logger) (*Guest, error) {
	session, err := matrix.NewSession(a, log)
	if err != nil {
		return nil, err
	}
	return &Guest{Session: session, changed: make(chan struct{})}, nil
}

// Run logs in and follows the rooms until ctx ends; it returns nil then.
func (g *Guest) Run(ctx context.Context) error {
	return g.Session.Run(ctx, func() error {
		syncer := g.Client.Syncer.(mautrix.ExtensibleSyncer)
		syncer.OnEventType(event.EventMessage, g.note)
		syncer.OnEventType(event.StateMember, g.answerInvitation)
		return nil
	})
}

// answerInvitation joins a room if the inviter is one whom the guest follows.
func (g *Guest) answerInvitation(ctx context.Context, evt *event.Event) {
	isInvited := evt.Content.AsMember().Membership == event.MembershipInvite && evt.GetStateKey() == g.Client.UserID.String()
	if !isInvited || g.Follows == nil || !g.Follows(evt.Sender) {
		return
	}
	if _, err := g.Client.JoinRoomByID(ctx, evt.RoomID); err != nil {
		g.Client.Log.Warn().Err(err).Msg("an invitation could not be followed")
	}
}

func (g *Guest) note(_ context.Context, evt *event.Event) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.events = append(g.events, evt)
	if len(g.events) > history {
		g.events = g.events[1:]
		g.dropped++
	}
	close(g.changed)
	g.changed = make(chan struct{})
}

// Join makes sure that the account is in a room, named by id or alias.
func (g *Guest) Join(ctx context.Context, room string) (id.RoomID, error) {
	if err := g.AwaitReady(ctx); err != nil {
		return "", err
	}
	joined, err := g.Client.JoinRoom(ctx, room, nil)
	if err != nil {
		return "", fmt.Errorf("join the room %s: %w", room, err)
	}
	return joined.RoomID, nil
}

// Await returns the first message that is wanted, of those remembered or to
// come.
func (g *Guest) Await(ctx context.Context, wanted func(*event.Event) bool) (*event.Event, error) {
	var seen int // of all messages that ever came
	for {
		g.mu.Lock()
		events, changed := g.events[max(0, seen-g.dropped):], g.changed
		seen = g.dropped + len(g.events)
		g.mu.Unlock()
		for _, evt := range events {
			if wanted(evt) {
				return evt, nil
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
