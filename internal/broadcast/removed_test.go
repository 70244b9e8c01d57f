package broadcast

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

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
		id := fmt.Sprintf("AAAAAAAAAAAAAAAAAA%04d", i)
		err := s.Store.AddShow(t.Context(), &store.Show{
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
	eventually(t, "the homeserver is asked", func() bool { return asking.Load() == maxAsked })
	show := s.mustStart(t, "tone:440")
	go s.CheckAnnouncements(t.Context(), "!old:x") // after a gap, say
	if _, err := s.Stop(t.Context(), show.Announcements[0].Room); err != nil {
		t.Fatal(err)
	}
	close(answer)
	eventually(t, "two shows are gone", func() bool { return len(s.mustList(t, store.Filter{Room: "!old:x"})) == 48 })
	if most.Load() > maxAsked {
		t.Errorf("%d announcements were asked for at once", most.Load())
	}
}

// TestSilentHomeserver: one that does not answer is not asked for every announcement each time. One that
// does not answer for some of them is asked for the others.
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
