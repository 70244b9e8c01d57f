package bot

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/commandtest"
	"broadcastbot/store"
)

// TestStopAfterManyCommands: however much a speaker has said, they can end their show. Nothing of
// what they said is obeyed again.
func TestStopAfterManyCommands(t *testing.T) {
	fake := &commandtest.Broadcasts{Live: map[string]broadcast.Status{room: {Show: store.Show{Speaker: alice}}}}
	h := newIdleHandler(t, fake)
	stop := message(alice, "!live stop")
	for i := range 2000 {
		evt := message(alice, "!live status")
		evt.Timestamp = stop.Timestamp - int64(i%1500) - 1 // in no order
		h.obeyed.add(evt)
	}
	h.onMessage(t.Context(), stop)
	h.tasks.wait()
	if _, live := fake.Status(room); live {
		t.Fatal("the show goes on")
	}
	fake.Set(room, broadcast.Status{Show: store.Show{Speaker: alice}})
	h.onMessage(t.Context(), stop)
	h.tasks.wait()
	if _, live := fake.Status(room); !live {
		t.Error("the same message ends a second show")
	}
}

// TestNothingTwice: in whichever order a homeserver sends commands, and sends them again.
func TestNothingTwice(t *testing.T) {
	o := newObeyedCommands()
	obeyed := make(map[id.EventID]int)
	say := func(user string, command int) {
		evt := message(user, "!live status")
		evt.ID, evt.Timestamp = id.EventID(fmt.Sprint(user, command)), int64(1e12+command)
		if o.add(evt) {
			obeyed[evt.ID]++
		}
	}
	say(bob, 1)
	all := make([]int, 5*maxRemembered)
	for i := range all {
		all[i] = (i * 7) % len(all) // each once
	}
	for range 3 {
		for _, command := range all {
			say(alice, command)
		}
		slices.Reverse(all)
	}
	say(bob, 1)
	for command, times := range obeyed {
		if times > 1 {
			t.Errorf("%s is obeyed %d times", command, times)
		}
	}
	newest := len(all) - 1
	if obeyed[id.EventID(fmt.Sprint(alice, newest))] != 1 || obeyed[id.EventID(fmt.Sprint(bob, 1))] != 1 {
		t.Error("a new command is not obeyed")
	}
	if n := len(o.byUser[alice].sent); n != maxRemembered {
		t.Errorf("%d commands are remembered", n)
	}
}

// TestClockSetBack: a command that was forgotten would be current again an hour later, by a clock that
// was set back by an hour.
func TestClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObeyedCommands()
		start := message(alice, "!live start")
		o.add(start)
		time.Sleep(time.Hour)
		for i := range maxUsers - 1 {
			o.add(message(fmt.Sprintf("@user%d:example.org", i), "!help"))
		}
		if o.add(start) {
			t.Error("the same command is obeyed again")
		}
		time.Sleep(time.Hour)
		for i := range 3 * maxUsers { // a flood of accounts
			time.Sleep(time.Second)
			o.add(message(fmt.Sprintf("@flood%d:example.org", i), "!help"))
		}
		if n := len(o.byUser); n > maxUsers+2 {
			t.Errorf("%d users are remembered", n)
		}
	})
}
