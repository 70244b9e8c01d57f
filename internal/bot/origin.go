package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// origin is what is known of where a command comes from. Whoever carries it can write any name on
// it, so a name counts only with the signature of one of its devices.
type origin string

const (
	obeyed    origin = "obeyed"
	clearText origin = "it came in clear text into an encrypted room"
	unlisted  origin = "it came from a room without encryption that the config does not list"
	untrusted origin = "it came from a device that its sender has not verified"
	changed   origin = "it came from a device of an identity that is not the one first seen"
	unknown   origin = "it came from no device of its sender"
)

// origin judges a command.
func (b *Bot) origin(ctx context.Context, evt *event.Event) origin {
	if evt.Mautrix.EventSource&event.SourceDecrypted != 0 {
		return b.deviceOrigin(evt)
	}
	encrypted, err := b.IsEncrypted(ctx, evt.RoomID.String())
	switch {
	case err != nil:
		b.log.Warn("a command in clear text cannot be judged", "room", evt.RoomID, "err", err)
		return clearText
	case encrypted:
		return clearText
	case !b.isListed(evt.RoomID):
		return unlisted
	default:
		return obeyed
	}
}

func (b *Bot) deviceOrigin(evt *event.Event) origin {
	device := evt.Mautrix.TrustSource
	switch {
	case b.session.Trusts(evt):
		return obeyed
	case device == nil || device.UserID != evt.Sender || device.Deleted || evt.Mautrix.ForwardedKeys:
		return unknown
	case evt.Mautrix.TrustState == id.TrustStateCrossSignedUntrusted:
		return changed
	case evt.Mautrix.TrustState == id.TrustStateUnset:
		return untrusted
	default:
		return unknown
	}
}

// explanations are what somebody is told whose command is not obeyed, and who may be an honest
// person. They say nothing of the room, because they go out in clear text: the person could not
// read anything else.
var explanations = map[origin]string{
	unlisted: "This room is not encrypted: I take no commands and put nothing on air here unless the station's config lists the room.",
	untrusted: "I only obey sessions that their owner has verified, and only those get the keys of my shows. " +
		"Verify this session in your client's settings, then say it again.",
	changed: "Your account has another cross-signing identity than when I first saw it, so I do not obey it. " +
		"If you have reset it, the station's admin has to confirm the new one.",
}

// explain tells the sender why nothing happens, each device once; where it is not known which, each
// time.
func (h *eventHandler) explain(ctx context.Context, evt *event.Event, o origin) {
	text, known := explanations[o]
	if !known {
		return
	}
	if device := evt.Mautrix.TrustSource; device != nil && !h.told.add(device.UserID.String(), string(o)+" "+device.DeviceID.String()) {
		return
	}
	content := notice(text)
	content.SetReply(evt)
	if _, err := h.bot.post(ctx, evt.RoomID, event.EventMessage, content, "reply-"+evt.ID.String()); err != nil {
		h.log.Warn("nobody could be told why a command is ignored", "room", evt.RoomID, "err", err)
	}
}

// identity is what the config's identities would name to accept the sender, for the log; "" where
// no device of theirs is known.
func (b *Bot) identity(ctx context.Context, evt *event.Event) id.Ed25519 {
	if evt.Mautrix.TrustSource == nil {
		return ""
	}
	key, err := b.session.MasterKey(ctx, evt.Sender)
	if err != nil {
		b.log.Warn("the identity of a user is not known", "user", evt.Sender, "err", err)
	}
	return key
}

// maxNamed is how many people a sentence names.
const maxNamed = 5

// tellLeftOut tells members who cannot read what the bot writes why that is so, each of them once.
// It implements the callback of matrix.Session.OnLeftOut.
func (h *eventHandler) tellLeftOut(ctx context.Context, room id.RoomID, users []id.UserID) {
	if ctx.Err() != nil {
		return
	}
	untold := slices.DeleteFunc(slices.Clone(users), func(user id.UserID) bool { return !h.told.add(room.String(), "left out "+user.String()) })
	if len(untold) == 0 {
		return
	}
	h.log.Info("members get no keys: none of their devices is trusted", "room", room, "users", untold)
	h.tasks.runBeside(func() {
		_, err := h.bot.post(ctx, room, event.EventMessage, leftOutNotice(untold), "")
		if err == nil {
			return
		}
		h.log.Warn("members who get no keys could not be told", "room", room, "err", err)
		for _, user := range untold {
			h.told.forget(room.String(), "left out "+user.String())
		}
	})
}

// leftOutNotice tells users that they get no keys. Only those whom it names are called: in a large
// room the others would make it too large, and all telephones ring.
func leftOutNotice(users []id.UserID) *event.MessageEventContent {
	named := users[:min(len(users), maxNamed)]
	var names []string
	for _, user := range named {
		names = append(names, user.String())
	}
	if more := len(users) - len(named); more > 0 {
		names = append(names, fmt.Sprintf("%d others", more))
	}
	content := notice(strings.Join(names, ", ") + ": you cannot read what I write here, nor hear its shows, because none of your sessions is verified. " +
		"Verify one in your client's settings: what I write from then on you can read.")
	content.Mentions = &event.Mentions{UserIDs: named}
	return content
}
