package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/command"
	"broadcastbot/internal/retry"
	"broadcastbot/store"
)

// IsRemoved implements broadcast.Announcer.
func (b *Bot) IsRemoved(ctx context.Context, a store.Announcement) (bool, error) {
	removed, err := isRemoved(ctx, b.client, id.RoomID(a.Room), id.EventID(a.Event))
	if errors.Is(err, mautrix.MForbidden) || errors.Is(err, mautrix.MNotFound) {
		err = retry.Permanent(err) // the bot is not in the room any more, or has no such event
	}
	if err != nil {
		return false, fmt.Errorf("look up the announcement in %s: %w", a.Room, err)
	}
	return removed, nil
}

// isRemoved reports whether a message was redacted. What counts is what the homeserver still has of it:
// whether a redaction holds is for it to decide.
func isRemoved(ctx context.Context, client *mautrix.Client, room id.RoomID, message id.EventID) (bool, error) {
	evt, err := client.GetEvent(ctx, room, message)
	if err == nil && (evt == nil || evt.ID != message) {
		err = errors.New("the homeserver has answered with something else")
	}
	if err != nil {
		return false, err
	}
	return evt.Unsigned.RedactedBecause != nil || len(evt.Content.Raw) == 0, nil
}

// IsOver implements broadcast.Announcer. An announcement is edited only when its show is over, so there
// is no need to read what an edit says, which a session from a copy of the disk may not be able to.
func (b *Bot) IsOver(ctx context.Context, a store.Announcement) (bool, error) {
	if err := b.session.AwaitReady(ctx); err != nil {
		return false, err
	}
	if removed, err := b.IsRemoved(ctx, a); err != nil || removed {
		return removed, err
	}
	edits, err := editsOf(ctx, b.client, a)
	if err != nil && len(edits) == 0 {
		return false, fmt.Errorf("look up what %s was told of the show: %w", a.Room, err)
	}
	return len(edits) > 0, nil
}

// MayGoOn implements broadcast.Announcer.
func (b *Bot) MayGoOn(ctx context.Context, show *store.Show, room string) error {
	speaker := id.UserID(show.Speaker)
	membership, err := b.membership(ctx, id.RoomID(room), speaker)
	if err != nil {
		return err
	}
	if membership != event.MembershipJoin {
		return broadcast.ErrSpeakerLeft
	}
	by := command.Request{Room: room, User: show.Speaker, Power: b.power(ctx, id.RoomID(room), speaker)}
	if !b.options.Rights.MaySpeak(by) {
		return broadcast.ErrNoSpeaker
	}
	if !show.Main().Plain {
		return nil
	}
	if !b.isListed(id.RoomID(room)) {
		return broadcast.ErrUnlisted
	}
	encrypted, err := b.IsEncrypted(ctx, room)
	if err == nil && encrypted {
		err = broadcast.ErrEncrypted
	}
	return err
}

// Retract implements broadcast.Announcer. Whoever has a show's messages can still hear what they have
// copied, so all of them go, the edits first: each has the link, and a homeserver that has redacted
// what they edit does not name them any more.
func (b *Bot) Retract(ctx context.Context, show *store.Show, a store.Announcement) error {
	if err := b.session.AwaitReady(ctx); err != nil {
		return err
	}
	room := id.RoomID(a.Room)
	messages, err := (&retraction{b, show, a}).messages(ctx)
	if err != nil {
		return fmt.Errorf("find the messages about a deleted show in %s: %w", room, roomError(err))
	}
	for _, message := range messages {
		_, err := b.client.RedactEvent(ctx, room, message, mautrix.ReqRedact{Reason: "the show was deleted", TxnID: "redact-" + message.String()})
		if err != nil && !errors.Is(err, mautrix.MNotFound) {
			return fmt.Errorf("remove a message about a deleted show in %s: %w", room, roomError(err))
		}
	}
	return nil
}

// retraction finds out what there is to be removed from a room.
type retraction struct {
	bot  *Bot
	show *store.Show
	store.Announcement
}

// messages returns the messages about the show: the edits that were noted and those that the
// homeserver knows of, the announcement, and the voice message.
func (r *retraction) messages(ctx context.Context) (messages []id.EventID, err error) {
	for edit := range strings.FieldsSeq(r.Edits) {
		messages = append(messages, id.EventID(edit))
	}
	announced, voice := id.EventID(r.Event), id.EventID(r.VoiceEvent)
	if announced != "" {
		edits, err := editsOf(ctx, r.bot.client, r.Announcement)
		isUnknown := errors.Is(err, mautrix.MNotFound) || errors.Is(err, mautrix.MUnrecognized) || errors.Is(err, errManyEdits)
		if err != nil && !isUnknown {
			return nil, err
		}
		messages = append(messages, edits...)
	} else if announced, err = r.findSent(ctx, announceTransaction(r.show)); err != nil {
		return nil, err
	}
	messages = append(messages, announced)
	if voice == "" && r.show.VoiceMayBePosted() {
		if voice, err = r.findSent(ctx, voiceTransaction(r.show)); err != nil {
			return nil, err
		}
	}
	if voice != "" {
		messages = append(messages, voice)
	}
	return messages, nil
}

// maxEditPages is how many answers about a message's edits are read. Whoever floods a message with
// edits of their own must not keep the bot busy for ever.
const maxEditPages = 100

// errManyEdits means that there may be edits beyond those that were read.
var errManyEdits = errors.New("the message has too many edits")

// editsOf returns the bot's edits of its announcement, as far as the homeserver tells of them. Members
// can have the homeserver name others before them.
func editsOf(ctx context.Context, bot *mautrix.Client, a store.Announcement) (edits []id.EventID, err error) {
	request := mautrix.ReqGetRelations{RelationType: event.RelReplace, Limit: 100}
	for range maxEditPages {
		found, err := bot.GetRelations(ctx, id.RoomID(a.Room), id.EventID(a.Event), &request)
		if err != nil {
			return edits, err
		}
		for _, evt := range found.Chunk {
			if evt.Sender == bot.UserID {
				edits = append(edits, evt.ID)
			}
		}
		if request.From = found.NextBatch; request.From == "" || len(found.Chunk) == 0 {
			return edits, nil
		}
	}
	return edits, errManyEdits
}

// findSent returns the message that was sent in a transaction whose answer was lost, as in a crash.
// The homeserver names it when something is sent in the same transaction; if it has never got the
// message, what is sent now is in its place, and is removed like it.
func (r *retraction) findSent(ctx context.Context, transaction string) (id.EventID, error) {
	return r.bot.send(ctx, id.RoomID(r.Room), &event.Content{Parsed: notice("A show was deleted.")}, transaction)
}

func announceTransaction(show *store.Show) string { return "announce-" + show.ID }
func voiceTransaction(show *store.Show) string    { return "voice-" + show.ID }
