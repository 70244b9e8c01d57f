package bot

import (
	"context"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// moderation takes shows off air, or away altogether, because of what the rooms' moderators do. None
// of its tasks waits for its turn in the room: a flood of commands must not keep a show on air.
type moderation struct {
	*eventHandler
	checks     *taskQueue // of announcements
	redactions *redactionChecks
}

func newModeration(h *eventHandler) *moderation {
	return &moderation{eventHandler: h, checks: newTaskQueue(h.log), redactions: newRedactionChecks()}
}

func (h *moderation) subscribe(syncer mautrix.ExtensibleSyncer) {
	syncer.OnSync(h.onGaps)
	syncer.OnEventType(event.EventRedaction, h.onRedaction)
	syncer.OnEventType(event.StateMember, h.onDeparture)
	syncer.OnEventType(event.StateEncryption, h.onEncryption)
}

// onDeparture ends the show of a speaker who has left the room, or was sent away.
func (h *moderation) onDeparture(ctx context.Context, evt *event.Event) {
	user := evt.GetStateKey()
	if user == h.client.UserID.String() || evt.Content.AsMember().Membership == event.MembershipJoin {
		return
	}
	h.endShow(ctx, evt.RoomID, func(room string) string { return h.commands.SpeakerLeft(ctx, room, user) })
}

// onEncryption ends a show that is not encrypted where the members begin to encrypt.
func (h *moderation) onEncryption(ctx context.Context, evt *event.Event) {
	h.endShow(ctx, evt.RoomID, func(room string) string { return h.commands.EncryptionOn(ctx, room) })
}

// endShow tells the room why its show has ended, if it has.
func (h *moderation) endShow(ctx context.Context, room id.RoomID, end func(room string) (why string)) {
	h.tasks.runBeside(func() {
		why := end(room.String())
		if why == "" {
			return
		}
		if _, err := h.bot.send(ctx, room, &event.Content{Parsed: notice(why)}, ""); err != nil {
			h.log.Warn("a room was not told why its show has ended", "room", room, "err", err)
		}
	})
}

// wait returns when all tasks are done.
func (h *moderation) wait() {
	h.tasks.wait()
	h.checks.wait()
}

// onGaps has the announcements of a room looked at of which the homeserver has not sent everything:
// there may be a redaction among what is missing, or a stop.
func (h *moderation) onGaps(ctx context.Context, response *mautrix.RespSync, since string) bool {
	for room, data := range response.Rooms.Join {
		if since != "" && data.Timeline.Limited {
			h.checks.replaceWaiting(room, func() { h.commands.CheckAnnouncements(ctx, room.String()) })
			h.tasks.enqueue(lane{room, h.client.UserID}, false, func() { h.readGap(ctx, room, data.Timeline.PrevBatch, since) })
		}
	}
	return true
}
