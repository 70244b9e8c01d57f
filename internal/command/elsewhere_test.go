package command

import (
	"errors"
	"strings"
	"testing"

	"broadcastbot/capture"
	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/commandtest"
	"broadcastbot/store"
)

func TestStartFor(t *testing.T) {
	long := strings.Repeat("ä", 40_000)
	for _, test := range []struct {
		name  string
		rooms *commandtest.Rooms
		user  string
		title string
		plain bool               // the config lists the room
		onAir *store.Show        // before
		want  string             // in the error
		asked *broadcast.Request // nil: nothing is started
		fails error              // of the start
	}{
		{name: "OK", rooms: &commandtest.Rooms{Encrypted: true, Powers: map[string]int{alice: 0}}, user: alice, title: " Town\u202e hall\n",
			asked: &broadcast.Request{Rooms: []string{room}, Speaker: alice, Source: "icecast:m", Title: "Town hall"}},
		{name: "LongTitle", rooms: &commandtest.Rooms{Encrypted: true, Powers: map[string]int{alice: 0}}, user: alice, title: long,
			asked: &broadcast.Request{Rooms: []string{room}, Speaker: alice, Source: "icecast:m", Title: long[:2*(MaxTitle-1)] + "…"}},
		{name: "Moderator", rooms: &commandtest.Rooms{Encrypted: true, Powers: map[string]int{bob: 50}}, user: bob,
			asked: &broadcast.Request{Rooms: []string{room}, Speaker: bob, Source: "icecast:m"}},
		{name: "ModeratorNoMore", rooms: &commandtest.Rooms{Encrypted: true, Powers: map[string]int{bob: 49}}, user: bob, want: "Only this station's speakers"},
		{name: "Left", rooms: &commandtest.Rooms{Encrypted: true}, user: alice, want: "not in that room any more"},
		{name: "Clear", rooms: &commandtest.Rooms{Powers: map[string]int{alice: 0}}, user: alice, want: "That room is not encrypted"},
		{name: "Listed", rooms: &commandtest.Rooms{Powers: map[string]int{alice: 0}}, user: alice, plain: true,
			asked: &broadcast.Request{Rooms: []string{room}, Speaker: alice, Source: "icecast:m", Plain: true}},
		{name: "ListedButEncrypted", rooms: &commandtest.Rooms{Encrypted: true, Powers: map[string]int{alice: 0}}, user: alice, plain: true, want: "This room is encrypted, but"},
		{name: "Unknown", rooms: &commandtest.Rooms{Err: errors.New("no route to host")}, user: alice, want: "That did not work: no route to host."},
		{name: "Taken", rooms: &commandtest.Rooms{Encrypted: true, Powers: map[string]int{alice: 0}}, user: alice,
			onAir: &store.Show{Speaker: bob, Source: "icecast:m", Title: "Other"}, want: "“Other” by " + bob + " is on air in this room already."},
		{name: "OtherSource", rooms: &commandtest.Rooms{Encrypted: true, Powers: map[string]int{alice: 0}}, user: alice,
			onAir: &store.Show{Speaker: alice, Source: "tone:440"}, want: "is on air in this room already."},
		{name: "Again", rooms: &commandtest.Rooms{Encrypted: true, Powers: map[string]int{alice: 0}}, user: alice,
			onAir: &store.Show{Speaker: alice, Source: "icecast:m", Title: "Mine"}},
		{name: "Fails", rooms: &commandtest.Rooms{Encrypted: true, Powers: map[string]int{alice: 0}}, user: alice,
			fails: errors.New("the disk is full"), want: "That did not work: the disk is full."},
	} {
		t.Run(test.name, func(t *testing.T) {
			fake := &commandtest.Broadcasts{Err: test.fails}
			p := mustProcessor(t, fake)
			if p.Rooms = test.rooms; test.plain {
				p.PlainRooms = []string{room}
			}
			if test.onAir != nil {
				fake.Set(room, broadcast.Status{Show: *test.onAir})
			}
			show, err := p.StartFor(t.Context(), capture.Asker{Room: room, User: test.user}, "icecast:m", test.title)
			fake.CheckAsked(t, test.asked)
			var refusal Refusal
			switch {
			case test.want == "" && (err != nil || show.Speaker != test.user):
				t.Errorf("%+v, %v", show, err)
			case test.want != "" && (!errors.As(err, &refusal) || !strings.Contains(err.Error(), test.want)):
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}
