package bot

import (
	"context"
	"log/slog"
	"testing"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"

	"broadcastbot/internal/guest"
	"broadcastbot/internal/matrix"
)

// TestForgedAnnouncement: a listener's program takes no show from somebody who only bears the bot's
// name, such as a homeserver that writes in clear text or from a device of its own.
func TestForgedAnnouncement(t *testing.T) {
	t.Parallel()
	radio, alice := newStudio(t)
	user := mustRegister(t, alice.server, "listener")
	g, err := guest.New(matrix.Account{
		Homeserver: alice.server.URL(), User: user, Password: password, Store: mustOpenStore(t, t.TempDir()), RecoveryDir: t.TempDir(),
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	inBackground(t, func(ctx context.Context) error { return g.Run(ctx) })
	room := alice.newRoom(t, true, radio.options.User, user)
	if _, err := g.Join(t.Context(), room.String()); err != nil {
		t.Fatal(err)
	}
	alice.awaitMembership(t, room, radio.options.User, event.MembershipJoin)
	alice.awaitMembership(t, room, user, event.MembershipJoin)
	genuine := newShow(t, room)
	genuine.Title = "True"
	mustAnnounce(t, radio, alice, genuine)

	forger := newUnsigned(t, alice.server, radio.options.User)
	forger.follow(t)
	forger.awaitMembership(t, room, user, event.MembershipJoin)
	forged := newShow(t, room)
	forged.Title = "Forged"
	for _, inClear := range []bool{true, false} {
		request := mautrix.ReqSendEvent{DontEncrypt: inClear}
		if _, err := forger.SendMessageEvent(t.Context(), room, event.EventMessage, announcement(forged.Show, "radio"), request); err != nil {
			t.Fatal(err)
		}
	}
	show, ok, err := g.Latest(t.Context(), room, radio.options.User)
	if err != nil || !ok || show.Title != "True" {
		t.Errorf("the newest show is %q (%v, %v), want the bot's", show.Title, ok, err)
	}
}
