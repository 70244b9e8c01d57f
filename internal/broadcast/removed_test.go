package broadcast

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"broadcastbot/internal/retry"
	"broadcastbot/internal/testhelp"
	"broadcastbot/store"
)

// oldRoom is a room that answers for itself whether announcements were removed.
type oldRoom struct {
	*room
	isRemoved func(event string) (bool, error)
}

func (r *oldRoom) IsRemoved(_ context.Context, a store.Announcement) (bool, error) {
	return r.isRemoved(a.Event)
}

// mustHaveShows puts old shows into the store, announced as $0 (the newest) and so on.
func (s *studio) mustHaveShows(t *testing.T, n int, isRemoved func(event string) (bool, error)) {
	t.Helper()
	s.Announcer = &oldRoom{s.room, isRemoved}
	for i := range n {
		upload, err := s.Gateway.Create(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		id := upload.ID()
		err = s.Store.AddShow(t.Context(), &store.Show{
			ID: id, Speaker: "@a:x", StartedAt: time.Now().AddDate(0, 0, -i), Stage: store.Concluded,
			Tracks:        []store.Track{{ID: id, Gateway: s.server.URL, Plain: true, Channels: 1}},
			Announcements: []store.Announcement{{Room: "!old:x", Event: fmt.Sprint("$", i)}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestManyAnnouncements: a station with many shows starts without waiting for the homeserver, asks it
// for a few announcements at once, and deletes what was removed.
func TestManyAnnouncements(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	var asking, most atomic.Int32
	answer := make(chan struct{})
	s.mustHaveShows(t, 50, func(event string) (bool, error) {
		now := asking.Add(1)
		defer asking.Add(-1)
		if most.Load() < now {
			most.Store(now)
		}
		<-answer
		return event == "$7" || event == "$49", nil
	})
	s.begin()
	testhelp.Eventually(t, "the homeserver is asked", func() bool { return asking.Load() == maxAsked })
	show := s.mustStart(t, "tone:440")
	go s.CheckAnnouncements(t.Context(), "!old:x") // after a gap, say
	if _, err := s.Stop(t.Context(), show.Announcements[0].Room); err != nil {
		t.Fatal(err)
	}
	close(answer)
	testhelp.Eventually(t, "two shows are gone", func() bool { return len(s.mustList(t, store.Filter{Room: "!old:x"})) == 48 })
	if most.Load() > maxAsked {
		t.Errorf("%d announcements were asked for at once", most.Load())
	}
}

// TestSilentHomeserver: one that does not answer is not asked for every announcement each time. One
// that does not answer for some of them is asked for the others.
func TestSilentHomeserver(t *testing.T) {
	beImpatient(t, &retryCheck)
	t.Run("at all", func(t *testing.T) {
		s := mustStudio(t)
		var asked atomic.Int32
		s.mustHaveShows(t, 50, func(string) (bool, error) {
			asked.Add(1)
			return false, errors.New("the homeserver is away")
		})
		s.mustSettle(t)
		if n := int(asked.Load()); n < retryCheck.Attempts || n > retryCheck.Attempts*maxAsked {
			t.Errorf("it was asked %d times", n)
		}
	})
	t.Run("for some", func(t *testing.T) {
		s := mustStudio(t)
		s.mustHaveShows(t, 50, func(event string) (bool, error) {
			if event < "$2" { // the newest, and ten others
				return false, errors.New("this one is broken")
			}
			return event == "$49", nil
		})
		s.mustSettle(t)
		if n := len(s.mustList(t, store.Filter{})); n != 49 {
			t.Errorf("%d shows are left", n)
		}
	})
}

// beRemoved has a room remove its announcement.
func (r *room) beRemoved(room string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.removed = room
}

// TestRemovedFromOnceClosedRoom: that the bot was muted when the show ended does not keep the room from
// removing the announcement, while the bot is there to see it or not.
func TestRemovedFromOnceClosedRoom(t *testing.T) {
	t.Parallel()
	remove := map[string]func(*testing.T, *studio){
		"while the bot sees it": func(t *testing.T, s *studio) {
			s.room.beRemoved("!r:x")
			if err := s.Redacted(t.Context(), "!r:x", "$announcement-!r:x"); err != nil {
				t.Error(err)
			}
		},
		"while the bot is away": func(t *testing.T, s *studio) {
			s.mustRestart(t, func() { s.room.beRemoved("!r:x") })
		},
	}
	for name, remove := range remove {
		t.Run(name, func(t *testing.T) {
			s := mustStudio(t)
			s.room.closed = "!r:x"
			show := s.mustStart(t, "tone:440,duration=100ms")
			s.mustSettle(t)
			if a := s.mustList(t, store.Filter{})[0].Announcements[0]; !a.Closed {
				t.Fatalf("the room is not closed: %+v", a)
			}
			s.room.closed = ""
			remove(t, s)
			s.mustBeGone(t, show)
		})
	}
}

// TestRemovedFromOneOfTwoRooms: another room, of which nobody knows anything any more, hides nothing.
func TestRemovedFromOneOfTwoRooms(t *testing.T) {
	beImpatient(t, &retryRemoved)
	beImpatient(t, &retryCheck)
	const open, closed = "$announcement-!open:x", "$announcement-!closed:x"
	for name, notice := range map[string]func(*testing.T, *studio) error{
		"is told of":   func(t *testing.T, s *studio) error { return s.Redacted(t.Context(), "!open:x", open) },
		"is looked up": func(t *testing.T, s *studio) error { s.CheckAnnouncements(t.Context(), "!open:x"); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			s := mustStudio(t)
			s.begin()
			show, _, err := s.Start(t.Context(), Request{Rooms: []string{"!closed:x", "!open:x"}, Speaker: "@a:x"})
			if err != nil {
				t.Fatal(err)
			}
			var asked atomic.Int32
			s.Announcer = &oldRoom{s.room, func(event string) (bool, error) {
				switch {
				case event == closed:
					return false, retry.Permanent(errors.New("forbidden"))
				case asked.Add(1) == 1:
					return false, errors.New("the homeserver is away")
				default:
					return event == open, nil
				}
			}}
			if err := notice(t, s); err != nil {
				t.Fatal(err)
			}
			s.mustBeGone(t, show)
		})
	}
}

// TestRemovedWhileItsAnswerIsLost: a room removes the announcement before the bot knows which event
// that is. It is told nothing more.
func TestRemovedWhileItsAnswerIsLost(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.begin()
	s.room.loses = 1
	s.room.announcing = sync.OnceFunc(func() { s.room.beRemoved("!r:x") })
	if _, started, err := s.Start(t.Context(), Request{Rooms: []string{"!r:x"}, Speaker: "@a:x"}); started || err == nil {
		t.Errorf("Start = %v, %v", started, err)
	}
	s.mustBeToldNothing(t)
}

// TestRemovedUnnoticed: a room that removes the announcement unnoticed, in a show that is about
// to end or of which the voice message is about to be posted, is told nothing more.
func TestRemovedUnnoticed(t *testing.T) {
	t.Parallel()
	t.Run("before the end", func(t *testing.T) {
		s := mustStudio(t)
		s.mustStart(t, "")
		s.room.beRemoved("!r:x")
		if _, err := s.Stop(t.Context(), "!r:x"); err != nil {
			t.Fatal(err)
		}
		s.mustBeToldNothing(t)
	})
	t.Run("before the voice message", func(t *testing.T) {
		s := mustStudio(t)
		s.room.uploading = make(chan struct{})
		s.mustStart(t, "tone:440,duration=100ms")
		testhelp.Eventually(t, "the room is told of the end", func() bool {
			return s.mustList(t, store.Filter{})[0].Steps[told] == store.Done
		})
		s.room.updated = nil
		s.room.beRemoved("!r:x")
		close(s.room.uploading)
		s.mustBeToldNothing(t)
	})
}

// mustBeToldNothing checks that the only show is gone, and that its room got no edit and no voice
// message.
func (s *studio) mustBeToldNothing(t *testing.T) {
	t.Helper()
	s.mustSettle(t)
	if left := s.mustList(t, store.Filter{}); len(left) > 0 {
		t.Errorf("the show is %s", left[0].Stage)
	}
	if len(s.room.updated) > 0 || len(s.room.voiced) > 0 {
		t.Errorf("the room got %d edits, and %d voice messages", len(s.room.updated), len(s.room.voiced))
	}
}
