package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/dendrite"
	"broadcastbot/internal/guest"
	"broadcastbot/internal/matrix"
	"broadcastbot/store"
)

// people are the two persons of the demonstration, in one encrypted room with
// the bot.
type people struct {
	alice, bob *guest.Guest
	room       id.RoomID
	bot        id.UserID
	cancel     context.CancelFunc
	running    sync.WaitGroup
}

// patience bounds every wait for the homeserver.
const patience = 30 * time.Second

// invitePeople logs both in, makes the room, and waits until all are there.
func invitePeople(ctx context.Context, server *dendrite.Server, dir string) (_ *people, err error) {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p := &people{cancel: cancel, bot: id.NewUserID(radio, server.ServerName())}
	defer func() {
		if err != nil {
			p.leave()
		}
	}()
	if p.alice, err = p.logIn(lasting, server, dir, alice); err != nil {
		return nil, err
	}
	if p.bob, err = p.logIn(lasting, server, dir, bob); err != nil {
		return nil, err
	}
	ctx, done := context.WithTimeout(ctx, patience)
	defer done()
	if err := errors.Join(p.alice.AwaitReady(ctx), p.bob.AwaitReady(ctx)); err != nil {
		return nil, err
	}
	created, err := p.alice.Client.CreateRoom(ctx, &mautrix.ReqCreateRoom{
		Preset: "private_chat", Name: "Town hall",
		Invite: []id.UserID{p.bot, p.bob.Client.UserID},
		InitialState: []*event.Event{{
			Type:    event.StateEncryption,
			Content: event.Content{Parsed: &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}},
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("make the room: %w", err)
	}
	p.room = created.RoomID
	return p, p.awaitMembers(ctx)
}

// logIn starts a person's Matrix client, which accepts invitations.
func (p *people) logIn(ctx context.Context, server *dendrite.Server, dir, name string) (*guest.Guest, error) {
	sessions, err := store.Open(ctx, filepath.Join(dir, name+".db"))
	if err != nil {
		return nil, err
	}
	g, err := guest.New(matrix.Account{
		Homeserver: server.URL(), User: "@" + name + ":" + server.ServerName(), Password: password, DB: sessions.DB(),
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		sessions.Close()
		return nil, err
	}
	p.running.Go(func() {
		defer sessions.Close()
		if err := g.Run(ctx); err != nil {
			step("%s has lost the homeserver: %v", name, err)
		}
	})
	return g, nil
}

// awaitMembers waits until the bot and bob have joined.
func (p *people) awaitMembers(ctx context.Context) error {
	for {
		members, err := p.alice.Client.JoinedMembers(ctx, p.room)
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

// say has alice write a message.
func (p *people) say(ctx context.Context, text string) error {
	_, err := p.alice.Client.SendText(ctx, p.room, text)
	return err
}

// leave ends both clients.
func (p *people) leave() {
	p.cancel()
	p.running.Wait()
}
