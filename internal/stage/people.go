//go:build unix

package stage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/dendrite"
	"broadcastbot/internal/guest"
	"broadcastbot/internal/masterkey"
	"broadcastbot/internal/matrix"
	"broadcastbot/store"
)

// People are two persons in one encrypted room with the bot: Alice, who may
// speak, and Bob, who listens.
type People struct {
	Alice, Bob *guest.Guest
	Room       id.RoomID

	cancel  context.CancelFunc
	running sync.WaitGroup
}

// patience bounds every wait for the homeserver.
const patience = 30 * time.Second

// Invite logs both in, makes the room, and waits until all are there.
func Invite(ctx context.Context, server *dendrite.Server, dir string) (_ *People, err error) {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p := &People{cancel: cancel}
	defer func() {
		if err != nil {
			p.Leave()
		}
	}()
	if p.Alice, err = p.logIn(lasting, server, dir, alice); err != nil {
		return nil, err
	}
	if p.Bob, err = p.logIn(lasting, server, dir, bob); err != nil {
		return nil, err
	}
	ctx, done := context.WithTimeout(ctx, patience)
	defer done()
	if err := errors.Join(p.Alice.AwaitReady(ctx), p.Bob.AwaitReady(ctx)); err != nil {
		return nil, err
	}
	created, err := p.Alice.Client.CreateRoom(ctx, &mautrix.ReqCreateRoom{
		Preset: "private_chat", Name: "Town hall",
		Invite: []id.UserID{id.NewUserID(radio, server.ServerName()), p.Bob.Client.UserID},
		InitialState: []*event.Event{{
			Type:    event.StateEncryption,
			Content: event.Content{Parsed: &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}},
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("make the room: %w", err)
	}
	p.Room = created.RoomID
	if _, err := p.Bob.Join(ctx, p.Room.String()); err != nil {
		return nil, err
	}
	return p, p.awaitMembers(ctx)
}

// logIn starts a person's Matrix client.
func (p *People) logIn(ctx context.Context, server *dendrite.Server, dir, name string) (*guest.Guest, error) {
	sessions, err := store.Open(ctx, filepath.Join(dir, name+".db"), masterkey.File(filepath.Join(dir, name+".key")))
	if err != nil {
		return nil, err
	}
	g, err := guest.New(matrix.Account{
		Homeserver: server.URL(), User: "@" + name + ":" + server.ServerName(), Password: Password,
		Store: sessions, RecoveryDir: dir,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		sessions.Close()
		return nil, err
	}
	g.Follows = func(inviter id.UserID) bool { return inviter.Localpart() == radio }
	p.running.Go(func() {
		defer sessions.Close()
		if err := g.Run(ctx); err != nil {
			fmt.Fprintf(os.Stderr, "%s has lost the homeserver: %v\n", name, err)
		}
	})
	return g, nil
}

// AwaitDirect waits for what the bot writes to Alice alone, and returns it.
func (p *People) AwaitDirect(ctx context.Context, wanted func(text string) bool) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("alice waits in vain for the bot to write to her"))
	defer cancel()
	evt, err := p.Alice.Await(ctx, func(evt *event.Event) bool {
		return evt.RoomID != p.Room && evt.Sender.Localpart() == radio && wanted(evt.Content.AsMessage().Body)
	})
	if err != nil {
		return "", err
	}
	return evt.Content.AsMessage().Body, nil
}

// awaitMembers waits until the bot and bob have joined.
func (p *People) awaitMembers(ctx context.Context) error {
	for {
		members, err := p.Alice.Client.JoinedMembers(ctx, p.Room)
		if err == nil && len(members.Joined) == 3 {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return errors.New("not everybody has joined the room")
		}
	}
}

// Say has Alice write a message.
func (p *People) Say(ctx context.Context, text string) error {
	_, err := p.Alice.Client.SendText(ctx, p.Room, text)
	return err
}

// Leave ends both clients.
func (p *People) Leave() {
	p.cancel()
	p.running.Wait()
}

// Await waits for a message in the room that Bob can read. what names it in the
// error.
func (p *People) Await(ctx context.Context, what string, wanted func(*event.Event) bool) (*event.Event, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("bob waits in vain for %s", what))
	defer cancel()
	return p.Bob.Await(ctx, func(evt *event.Event) bool { return evt.RoomID == p.Room && wanted(evt) })
}

// AwaitState waits for the announcement of a show in that state.
func (p *People) AwaitState(ctx context.Context, state store.State) (matrix.Announcement, *event.Event, error) {
	var found matrix.Announcement
	evt, err := p.Await(ctx, "a show that is "+string(state), func(evt *event.Event) bool {
		a, ok := matrix.FindAnnouncement(evt.Content.Raw)
		found = a
		return ok && a.State == state
	})
	return found, evt, err
}

// AwaitVoice waits for the voice message of a show.
func (p *People) AwaitVoice(ctx context.Context) (*event.Event, error) {
	return p.Await(ctx, "the voice message", func(evt *event.Event) bool {
		return evt.Content.AsMessage().MSC3245Voice != nil
	})
}
