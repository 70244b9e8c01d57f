package command

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/commandtest"
	"broadcastbot/store"
)

const chat = "!chat:example.org" // a direct chat with alice

// TestDirectChat: a direct chat is about its user's own things, and nothing goes on air in it.
func TestDirectChat(t *testing.T) {
	on := func(where, id, speaker string) broadcast.Status {
		return broadcast.Status{Show: store.Show{ID: id, Speaker: speaker, Title: "Town hall", Announcements: []store.Announcement{{Room: where}}}}
	}
	for _, test := range []struct {
		body, want string
		live       map[string]broadcast.Status
		stays      int // shows on air afterwards
	}{
		{body: "!live", want: "nobody else is here to listen"},
		{body: "!live start tone:440 Town hall", want: "nobody else is here to listen"},
		{body: "!live delete", want: "nobody else is here to listen"},
		{body: "!live strat", want: "I do not know"},
		{body: "!help", want: "This is our direct chat"},
		{body: "!help", want: "\n!live source: "},
		{body: "!live status", want: nothingOwnOnAir},
		{body: "!live stop", want: nothingOwnOnAir},
		{body: "!live source", want: "You have no password for a program."},
		{body: "!live source revoke", want: "You have no password for a program."},
		{body: "!live status", live: map[string]broadcast.Status{"!1": on("!1", "1", bob), "!2": on("!2", "2", alice)}, stays: 2,
			want: "In Room !2: “Town hall” by " + alice + " is on air: 0:00 recorded, the gateway keeps up."},
		{body: "!live stop", live: map[string]broadcast.Status{"!1": on("!1", "1", bob), "!2": on("!2", "2", alice), "!3": on("!3", "3", alice)}, stays: 1,
			want: "In Room !2: “Town hall” is over after 12:34.\nIn Room !3: “Town hall” is over after 12:34."},
	} {
		t.Run(test.body, func(t *testing.T) {
			d := newDesk(t)
			for where, status := range test.live {
				d.broadcasts.Set(where, status)
			}
			got := say(t, d.Processor, Request{Room: chat, User: alice, Direct: true}, test.body)
			if !strings.Contains(got, test.want) {
				t.Errorf("answer %q, want %q", got, test.want)
			}
			d.broadcasts.CheckAsked(t, nil)
			if sent := d.rooms.Sent(); len(sent) > 0 {
				t.Errorf("sent %v", sent)
			}
			if got := len(d.broadcasts.OnAir()); got != test.stays {
				t.Errorf("%d shows stay on air, want %d", got, test.stays)
			}
		})
	}
}

// TestLateStop: what was said while the station was down is about the shows of that time.
func TestLateStop(t *testing.T) {
	d := newDesk(t)
	for id, age := range map[string]time.Duration{"!old": time.Hour, "!new": time.Second} {
		d.broadcasts.Set(id, broadcast.Status{Show: store.Show{
			ID: id, Speaker: alice, StartedAt: time.Now().Add(-age), Announcements: []store.Announcement{{Room: id}},
		}})
	}
	say(t, d.Processor, Request{Room: chat, User: alice, Direct: true, Before: time.Now().Add(-time.Minute)}, "!live stop")
	if all := d.broadcasts.OnAir(); len(all) != 1 || all[0].Show.ID != "!new" {
		t.Errorf("%d shows stay on air, want the new one", len(all))
	}
}

// stuckRoom has a show that does not end.
type stuckRoom struct {
	*commandtest.Broadcasts
	room string
}

func (s stuckRoom) StopIf(ctx context.Context, room string, isMeant func(*store.Show) bool) (store.Show, error) {
	if room == s.room {
		return store.Show{}, errors.New("the disk is full")
	}
	return s.Broadcasts.StopIf(ctx, room, isMeant)
}

// TestStopOfStuckShow: a show that does not end keeps no other one on air.
func TestStopOfStuckShow(t *testing.T) {
	d := newDesk(t)
	for _, id := range []string{"!a", "!b"} {
		d.broadcasts.Set(id, broadcast.Status{Show: store.Show{ID: id, Speaker: alice, Announcements: []store.Announcement{{Room: id}}}})
	}
	d.Processor.Broadcasts = stuckRoom{d.broadcasts, "!a"}
	if got := say(t, d.Processor, Request{Room: chat, User: alice, Direct: true}, "!live stop"); !strings.Contains(got, "the disk is full") {
		t.Errorf("answer %q", got)
	}
	if all := d.broadcasts.OnAir(); len(all) != 1 || all[0].Show.ID != "!a" {
		t.Errorf("%d shows are on air, want the stuck one", len(all))
	}
}

// TestOwnSources: in the direct chat somebody reads where they have passwords, and none of them.
func TestOwnSources(t *testing.T) {
	d := newDesk(t)
	_, mount, password := d.mustGive(t, alice)
	got := say(t, d.Processor, Request{Room: chat, User: alice, Direct: true}, "!live source")
	if !strings.Contains(got, "\nRoom "+room+": mount "+mount+", since ") || strings.Contains(got, password) {
		t.Errorf("answer %q", got)
	}
	if got := say(t, d.Processor, Request{Room: chat, User: bob, Direct: true}, "!live source"); strings.Contains(got, mount) {
		t.Errorf("somebody else is told %q", got)
	}
}

// TestRevokeOwn: in the direct chat everything is void that somebody has, in all rooms, and nobody
// else's.
func TestRevokeOwn(t *testing.T) {
	d := newDesk(t)
	_, mount, password := d.mustGive(t, alice)
	other, otherPassword := store.NewMount("!other:example.org", alice)
	bobs, bobsPassword := store.NewMount("!other:example.org", bob)
	if err := errors.Join(d.Programs.Mounts.Put(t.Context(), other, otherPassword), d.Programs.Mounts.Put(t.Context(), bobs, bobsPassword)); err != nil {
		t.Fatal(err)
	}
	d.broadcasts.Set(room, broadcast.Status{Show: store.Show{ID: "x", Speaker: alice, Source: "icecast:" + mount, Title: "Town hall"}})
	ask := Request{Room: chat, User: alice, Direct: true}
	got := say(t, d.Processor, ask, "!live source revoke")
	for _, want := range []string{
		"In Room " + room + ": Your program's password for this room is void. “Town hall” is over.",
		"In Room !other:example.org: Your program's password for this room is void.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("answer %q, without %q", got, want)
		}
	}
	for mount, password := range map[string]string{mount: password, other.ID: otherPassword} {
		if _, err := d.Programs.Mounts.Authorize(t.Context(), mount, password); !errors.Is(err, store.ErrWrongPassword) {
			t.Error("one still counts:", err)
		}
	}
	if got := d.cutOff[len(d.cutOff)-2:]; !slices.Contains(got, room+" "+alice) || !slices.Contains(got, "!other:example.org "+alice) {
		t.Errorf("cut off %v", d.cutOff)
	}
	if _, err := d.Programs.Mounts.Authorize(t.Context(), bobs.ID, bobsPassword); err != nil {
		t.Error("another speaker's is void, too:", err)
	}
	if got := say(t, d.Processor, ask, "!live source revoke"); got != noPassword {
		t.Errorf("answer %q", got)
	}
}
