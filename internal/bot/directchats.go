package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/command"
	"broadcastbot/internal/matrix"
	"broadcastbot/internal/retry"
	"broadcastbot/internal/text"
	"broadcastbot/internal/turns"
)

// directChats are the rooms in which the bot writes to one user what nobody else may read. They stand
// in the account's data (m.direct), as other clients have it. That list, and who is in which room, is
// what the homeserver says. So a room is looked at each time before it is used, and what is written
// there is encrypted for the user alone even then.
type directChats struct {
	session     *matrix.Session
	log         *slog.Logger
	messages    *allowance
	invitations *allowance
	turns       turns.Turns[id.UserID] // one writes to a user at a time, so that no two chats are opened
	listing     sync.Mutex             // one change of the list at a time

	mu    sync.Mutex
	users map[id.RoomID]id.UserID
}

func newDirectChats(session *matrix.Session, log *slog.Logger) *directChats {
	return &directChats{
		session: session, log: log,
		messages:    newAllowance(maxMessages, messagesWithin),
		invitations: newAllowance(maxInvitations, invitationsWithin),
		users:       make(map[id.RoomID]id.UserID),
	}
}

// userOf returns whose direct chat a room is; "" of other rooms.
func (c *directChats) userOf(room id.RoomID) id.UserID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.users[room]
}

// isWith reports whether a room is the direct chat of a user.
func (c *directChats) isWith(room id.RoomID, user id.UserID) bool { return c.userOf(room) == user }

// load takes over which direct chats there were before this start. Without the list the chats are
// ordinary rooms until they are used.
func (c *directChats) load(ctx context.Context) {
	listed, err := c.list(ctx)
	if err != nil {
		c.log.Warn("the list of direct chats cannot be had", "err", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for user, rooms := range listed {
		for _, room := range rooms {
			c.users[room] = user
		}
	}
}

// maxLooks is how many rooms are looked at for a direct chat with one user: the list can be any length.
const maxLooks = 5

// open returns the direct chat with a user, where they are or have been invited to.
func (c *directChats) open(ctx context.Context, user id.UserID) (id.RoomID, error) {
	known, err := c.known(ctx, user)
	if err != nil {
		return "", err
	}
	left := id.RoomID("") // the newest one that the user is not in
	for _, room := range known {
		membership, err := c.inspect(ctx, room, user)
		switch {
		case errors.Is(err, errNoChat):
			c.drop(ctx, room)
		case err != nil:
			return "", err
		case membership == event.MembershipJoin || membership == event.MembershipInvite:
			c.note(ctx, room, user)
			return room, nil
		case left == "":
			left = room
		}
	}
	return c.invite(ctx, left, user)
}

// known returns the rooms that may be the chat with a user, the newest first.
func (c *directChats) known(ctx context.Context, user id.UserID) ([]id.RoomID, error) {
	listed, err := c.list(ctx)
	if err != nil {
		return nil, err
	}
	rooms := slices.Clone(listed[user])
	c.mu.Lock()
	defer c.mu.Unlock()
	for room, whose := range c.users {
		if whose == user && !slices.Contains(rooms, room) { // the list could not be written
			rooms = append(rooms, room)
		}
	}
	slices.Reverse(rooms)
	return rooms[:min(len(rooms), maxLooks)], nil
}

var (
	// errNoChat is why a room cannot be a direct chat with a user.
	errNoChat  = errors.New("the room is no direct chat with the user")
	errOutside = fmt.Errorf("%w: the bot is not in it", errNoChat)
	errShared  = fmt.Errorf("%w: somebody else is in it, or may come", errNoChat)
	errClear   = fmt.Errorf("%w: it is not encrypted", errNoChat)
	errHidden  = fmt.Errorf("%w: who comes later cannot read what was written before", errNoChat)
)

// isLasting is false of what may only be so until the homeserver has processed what it was told.
func isLasting(err error) bool {
	return errors.Is(err, errShared) || errors.Is(err, errClear) || errors.Is(err, errHidden)
}

// inspect returns how the user stands to a room, or errNoChat.
func (c *directChats) inspect(ctx context.Context, room id.RoomID, user id.UserID) (event.Membership, error) {
	members, err := c.session.Members(ctx, room)
	if isFinal(err) {
		return "", errOutside
	}
	if err != nil {
		return "", err
	}
	own := c.session.Client.UserID
	for member, membership := range members {
		if member != own && member != user && !isGone(membership) {
			return "", errShared
		}
	}
	if members[own] != event.MembershipJoin {
		return "", errOutside
	}
	encrypted, err := c.session.IsEncrypted(ctx, room)
	if err == nil && !encrypted {
		err = errClear
	}
	if err == nil && members[user] != event.MembershipJoin {
		err = c.checkHistory(ctx, room)
	}
	return members[user], err
}

// checkHistory returns errHidden of a room in which only members read.
func (c *directChats) checkHistory(ctx context.Context, room id.RoomID) error {
	var history event.HistoryVisibilityEventContent
	err := c.session.Client.StateEvent(ctx, room, event.StateHistoryVisibility, "", &history)
	if errors.Is(err, mautrix.MNotFound) {
		return nil // the specification's default is that they can
	}
	if err == nil && history.HistoryVisibility == event.HistoryVisibilityJoined {
		err = errHidden
	}
	return err
}

// isGone is true of who neither is in a room nor waits to come in.
func isGone(membership event.Membership) bool {
	return membership == event.MembershipLeave || membership == event.MembershipBan
}

// errInvitedOften is for somebody who leaves again and again, or does not want to be invited.
const errInvitedOften = command.Refusal("I have invited you to a direct chat several times within the hour. " +
	"Accept such an invitation, or say it again later.")

// invite asks the user into a room that they have left, or into a new one where there is none or
// nobody is let in.
func (c *directChats) invite(ctx context.Context, left id.RoomID, user id.UserID) (id.RoomID, error) {
	if !c.invitations.take(user) {
		return "", errInvitedOften
	}
	if left != "" {
		_, err := c.session.Client.InviteUser(ctx, left, &mautrix.ReqInviteUser{UserID: user})
		if err == nil {
			return left, c.awaitInvitation(ctx, left, user)
		}
		if !isFinal(err) {
			return "", err
		}
	}
	created, err := c.session.Client.CreateRoom(ctx, newDirectRoom(user))
	if err != nil {
		return "", whyNotOpen(err)
	}
	c.log.Info("opened a direct chat", "room", created.RoomID, "user", user)
	return created.RoomID, c.awaitInvitation(ctx, created.RoomID, user)
}

// invitationPolicy bounds the wait for an invitation.
var invitationPolicy = retry.Policy{First: 50 * time.Millisecond, Max: time.Second, Attempts: 8}

// errNotInvited is why a message has to wait.
var errNotInvited = errors.New("the homeserver has not delivered the invitation yet")

// awaitInvitation notes a chat and returns when the user is invited to it, which some homeservers
// see to only after they have said so: what is written before, the user cannot read.
func (c *directChats) awaitInvitation(ctx context.Context, room id.RoomID, user id.UserID) error {
	c.note(ctx, room, user)
	return retry.Do(ctx, invitationPolicy, func(ctx context.Context) error {
		membership, err := c.inspect(ctx, room, user)
		if err == nil && membership != event.MembershipInvite && membership != event.MembershipJoin {
			err = errNotInvited
		}
		return err
	}, isLasting, nil)
}

// adopt takes a room for the direct chat with a user who has opened it as one, unless others are in it.
func (c *directChats) adopt(ctx context.Context, room id.RoomID, user id.UserID) {
	err := retry.Do(ctx, invitationPolicy, func(ctx context.Context) error {
		membership, err := c.inspect(ctx, room, user)
		if err == nil && membership == event.MembershipJoin {
			c.note(ctx, room, user)
		}
		return err
	}, isLasting, nil)
	if err != nil {
		c.log.Info("a room was opened as a direct chat, but is none", "room", room, "user", user, "err", err)
	}
}

// whyNotOpen tells the user what the homeserver has against a chat with them.
func whyNotOpen(err error) error {
	var answer mautrix.HTTPError
	if !isFinal(err) || !errors.As(err, &answer) || answer.RespError == nil {
		return err
	}
	return command.Refusal(fmt.Sprintf("The homeserver lets me open no direct chat with you (%s). Open an encrypted one with me, then say it again.",
		text.Short(text.Line(answer.RespError.Err), maxReason)))
}

// isFinal is true of a refusal that would come again.
func isFinal(err error) bool { return matrix.IsRefusal(err) && !errors.Is(err, mautrix.MLimitExceeded) }

// newDirectRoom asks for a room that is encrypted from the beginning, where the user can read what came
// since they were invited, and nobody but the bot invites others.
func newDirectRoom(user id.UserID) *mautrix.ReqCreateRoom {
	nobody := 100
	state := func(kind event.Type, content any) *event.Event {
		return &event.Event{Type: kind, Content: event.Content{Parsed: content}}
	}
	return &mautrix.ReqCreateRoom{
		Preset: "private_chat", IsDirect: true, Invite: []id.UserID{user},
		InitialState: []*event.Event{
			state(event.StateEncryption, &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}),
			state(event.StateHistoryVisibility, &event.HistoryVisibilityEventContent{HistoryVisibility: event.HistoryVisibilityInvited}),
		},
		PowerLevelOverride: &event.PowerLevelsEventContent{InvitePtr: &nobody},
	}
}
