package broadcast

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/gateway"
	"broadcastbot/internal/listener"
	"broadcastbot/internal/retry"
	"broadcastbot/internal/testhelp"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

// mustBeGone checks that nothing is left of a show: at the gateway, on the disk and in the store.
func (s *studio) mustBeGone(t *testing.T, show store.Show) {
	t.Helper()
	s.mustSettle(t)
	if shows := s.mustList(t, store.Filter{ID: show.ID}); len(shows) > 0 {
		t.Errorf("the record stays: %s, %v", shows[0].Stage, shows[0].Steps)
	}
	if files, _ := filepath.Glob(s.spoolPath(show.ID) + "*"); len(files) > 0 {
		t.Errorf("files stay: %v", files)
	}
	response, err := http.Get(show.Main().LiveURL())
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusGone {
		t.Errorf("the gateway answers %s", response.Status)
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "recordings", show.ID+"*"))
	if err != nil || len(files) != 1 || filepath.Ext(files[0]) != ".gone" {
		t.Errorf("the gateway keeps %v, %v", files, err)
	}
	if rooms := s.room.retracted; !slices.Contains(rooms, show.Announcements[0].Room) {
		t.Errorf("messages were removed in %v", rooms)
	}
}

// mustDelete deletes a show.
func (s *studio) mustDelete(t *testing.T, show store.Show) {
	t.Helper()
	if err := s.Delete(t.Context(), show.ID); err != nil {
		t.Fatal(err)
	}
}

// TestDeleteLiveShow: who listens is cut off, nothing is left, and the room is free.
func TestDeleteLiveShow(t *testing.T) {
	t.Parallel()
	inBothForms(t, testDeleteLiveShow)
}

func testDeleteLiveShow(t *testing.T, s *studio) {
	show := s.mustStart(t, "")
	stream := s.mustStream(t, show)
	if _, err := stream.ReadPacket(); err != nil {
		t.Fatal(err)
	}
	s.mustDelete(t, show)
	var err error
	for err == nil {
		_, err = stream.ReadPacket()
	}
	if !errors.Is(err, listener.ErrGone) {
		t.Errorf("the listener's end is %v, want ErrGone", err)
	}
	s.mustBeGone(t, show)
	if len(s.room.updated) > 0 || len(s.room.voiced) > 0 || len(s.room.said) > 0 {
		t.Errorf("the room was told %d things, had %d voice messages, and read %q", len(s.room.updated), len(s.room.voiced), s.room.said)
	}
	if _, err := s.Find(t.Context(), "!r:x", ""); !errors.Is(err, ErrNoShow) {
		t.Errorf("Find = %v, want ErrNoShow", err)
	}
	s.mustDelete(t, show) // once more
	if next := s.mustStart(t, ""); next.ID == show.ID {
		t.Error("the next show is the deleted one")
	}
}

// TestDeleteConcludedShow: it may be long over.
func TestDeleteConcludedShow(t *testing.T) {
	t.Parallel()
	inBothForms(t, func(t *testing.T, s *studio) {
		first := s.mustStart(t, "tone:440,duration=100ms")
		s.mustConclude(t)
		last := s.mustStart(t, "tone:440,duration=100ms")
		s.mustSettle(t)
		for event, want := range map[string]string{"": last.ID, "$announcement-!r:x": last.ID} {
			if found, err := s.Find(t.Context(), "!r:x", event); err != nil || found.ID != want {
				t.Errorf("%q means %s, %v, want %s", event, found.ID, err, want)
			}
		}
		s.mustDelete(t, last)
		s.mustBeGone(t, last)
		// Who says it twice does not mean the show before.
		if found, err := s.Find(t.Context(), "!r:x", ""); !errors.Is(err, ErrNoShow) {
			t.Errorf("then Find = %s, %v", found.ID, err)
		}
		mustHear(t, s.mustStream(t, first))
	})
}

// TestFindStaysInTheRoom: nobody deletes another room's show by naming its announcement.
func TestFindStaysInTheRoom(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.mustStart(t, "tone:440,duration=100ms")
	s.mustConclude(t)
	for _, event := range []string{"", "$announcement-!r:x", "$voice"} {
		if _, err := s.Find(t.Context(), "!other:x", event); !errors.Is(err, ErrNoShow) {
			t.Errorf("%q in another room: %v, want ErrNoShow", event, err)
		}
	}
}

// TestFindWaitsForAStart: who says !live delete while a show starts does not mean the show before.
func TestFindWaitsForAStart(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.mustStart(t, "tone:440,duration=100ms")
	s.mustConclude(t)
	announcing, announced := make(chan struct{}), make(chan struct{})
	s.room.announcing = func() {
		close(announcing)
		<-announced
	}
	started := make(chan string)
	go func() {
		show, _, err := s.Start(t.Context(), Request{Rooms: []string{"!r:x"}, Speaker: "@a:x", Source: "tone:440"})
		if err != nil {
			t.Error(err)
		}
		started <- show.ID
	}()
	<-announcing
	ctx, giveUp := context.WithCancel(t.Context())
	giveUp()
	if found, err := s.Find(ctx, "!r:x", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("Find = %s, %v", found.ID, err)
	}
	close(announced)
	id := <-started
	if found, err := s.Find(t.Context(), "!r:x", ""); err != nil || found.ID != id {
		t.Errorf("Find = %s, %v, want %s", found.ID, err, id)
	}
}

// TestDeleteWhileConcluding: what the conclusion still does comes to its end, and nothing of it stays.
func TestDeleteWhileConcluding(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.room.uploading = make(chan struct{})
	s.room.reserves = "mxc://x/reserved"
	show := s.mustStart(t, "")
	if _, err := s.Stop(t.Context(), "!r:x"); err != nil {
		t.Fatal(err)
	}
	s.mustDelete(t, show)
	s.mustBeGone(t, show)
	if !slices.Equal(s.room.released, []string{"mxc://x/reserved"}) || len(s.room.voiced) > 0 {
		t.Errorf("released %q, voice messages in %q", s.room.released, s.room.voiced)
	}
}

// TestDeleteWhileStarting waits until it is known what the show is.
func TestDeleteWhileStarting(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.begin()
	opening, open := make(chan struct{}), make(chan struct{})
	s.room.announcing = func() { close(opening); <-open }
	go s.Start(t.Context(), Request{Rooms: []string{"!r:x"}, Speaker: "@a:x", Source: "tone:440"})
	<-opening
	show := *s.mustList(t, store.Filter{})[0]
	s.room.beRemoved("!r:x")
	deleted := make(chan error, 1)
	go func() { deleted <- s.Redacted(t.Context(), "!r:x", "$announcement-!r:x") }()
	close(open)
	if err := <-deleted; err != nil {
		t.Fatal(err)
	}
	s.mustBeGone(t, show)
}

// TestGatewayIsAwayWhenDeleting: it is asked for as long as it takes, by the next run too.
func TestGatewayIsAwayWhenDeleting(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	show := s.mustStart(t, "tone:440,duration=100ms")
	s.mustConclude(t)
	gateway := s.Gateway.(*uploader.Tus)
	token := gateway.Token
	gateway.Token = "wrong"
	if err := s.Delete(t.Context(), show.ID); !errors.Is(err, ErrNotCutOff) || !strings.Contains(err.Error(), "401") {
		t.Errorf("Delete = %v, want ErrNotCutOff", err)
	}
	s.endLife() // as when the program has waited for long enough
	s.mustRestart(t, func() { s.Gateway.(*uploader.Tus).Token = token })
	s.mustBeGone(t, show)
}

// TestDeleteAtGatewayOfBefore: a gateway that has never had the recording proves nothing, whether the
// config names another one than before, or the folder of the recordings is not there.
func TestDeleteAtGatewayOfBefore(t *testing.T) {
	t.Parallel()
	for name, renamed := range map[string]bool{"another gateway": true, "an empty one at the same address": false} {
		t.Run(name, func(t *testing.T) { testDeleteAtGatewayOfBefore(t, renamed) })
	}
}

func testDeleteAtGatewayOfBefore(t *testing.T, renamed bool) {
	s := mustStudio(t)
	show := s.mustStart(t, "tone:440,duration=100ms")
	s.mustConclude(t)
	other := mustGateway(t, t.TempDir(), gateway.Options{})
	s.mustRestart(t, func() {
		s.Gateway = &uploader.Tus{Client: http.DefaultClient, Endpoint: other.URL + "/upload", Token: testToken}
		if renamed {
			s.PublicURL = other.URL
		}
	})
	err := s.Delete(t.Context(), show.ID)
	if !errors.Is(err, ErrNotCutOff) || strings.Contains(err.Error(), s.server.URL+", the gateway of before, and the config names "+other.URL) != renamed {
		t.Errorf("Delete = %v, want ErrNotCutOff", err)
	}
	s.endLife()
	s.mustRestart(t, func() {}) // with the gateway that the show is at
	s.mustBeGone(t, show)
}

// TestDeleteAfterMove: today's gateway has the recordings of before. The show is deleted when the link
// that its room has does not play any more.
func TestDeleteAfterMove(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	show := s.mustStart(t, "tone:440,duration=100ms")
	s.mustConclude(t)
	s.mustRestart(t, func() { s.PublicURL = "http://127.0.0.1:1" })
	s.mustDelete(t, show)
	s.mustBeGone(t, show)
}

// TestDeletingForgetsKeys: a gateway that cannot be reached does not keep them in the store.
func TestDeletingForgetsKeys(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	show := s.mustStart(t, "tone:440,duration=100ms")
	s.mustConclude(t)
	s.Gateway.(*uploader.Tus).Token = "wrong"
	s.Delete(t.Context(), show.ID)
	s.endLife()
	left := s.mustList(t, store.Filter{})
	if len(left) != 1 || left[0].Stage != store.Deleting || left[0].Main().Key != (store.Track{}).Key || left[0].Title != "" {
		t.Fatalf("the record is %+v", left)
	}
}

// TestDeletionIsNotOnRecord: who is told that a show is deleted can rely on it.
func TestDeletionIsNotOnRecord(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.mustStart(t, "tone:440,duration=100ms")
	older := s.mustConclude(t)
	show := s.mustStart(t, "tone:440,duration=100ms")
	s.mustSettle(t)
	gateway := s.Gateway.(*uploader.Tus)
	token := gateway.Token
	gateway.Token = "wrong"
	db := s.Options.Store.DB()
	if _, err := db.Exec(`CREATE TRIGGER full BEFORE INSERT ON show BEGIN SELECT RAISE(ABORT, 'disk full'); END`); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), show.ID); !errors.Is(err, ErrNotOnRecord) || !errors.Is(err, ErrNotCutOff) {
		t.Errorf("Delete = %v, want ErrNotOnRecord and ErrNotCutOff", err)
	}
	if _, err := db.Exec(`DROP TRIGGER full`); err != nil {
		t.Fatal(err)
	}
	again, err := s.Find(t.Context(), "!r:x", "")
	if err != nil || again.ID != show.ID {
		t.Errorf("the last show is %s, %v, and not the one that is being deleted", again.ID, err)
	}
	if err := s.Delete(t.Context(), again.ID); errors.Is(err, ErrNotOnRecord) || !errors.Is(err, ErrNotCutOff) {
		t.Errorf("then Delete = %v, want ErrNotCutOff only", err)
	}
	s.endLife() // as in a crash
	s.mustRestart(t, func() { s.Gateway.(*uploader.Tus).Token = token })
	s.mustBeGone(t, show)
	if kept := s.mustList(t, store.Filter{}); len(kept) != 1 || kept[0].ID != older.ID {
		t.Errorf("what is left is %v", kept)
	}
}

// TestDeleteErasesCopies: of a damaged recording a copy was kept.
func TestDeleteErasesCopies(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	show := s.mustStart(t, "tone:440,duration=100ms")
	s.mustConclude(t)
	for _, end := range []string{"", damagedFile, "-123"} {
		if err := os.WriteFile(s.spoolPath(show.ID)+end, []byte("sound"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.mustDelete(t, show)
	s.mustBeGone(t, show)
}

// TestKilledWhileDeleting: the next run goes on there.
func TestKilledWhileDeleting(t *testing.T) {
	t.Setenv("BROADCAST_LASTS", "1h")
	for _, s := range deletionSteps {
		for _, when := range []string{"before", "after"} {
			t.Run(s.name+" "+when, func(t *testing.T) { testKilledWhileDeleting(t, s.name, when) })
		}
	}
}

func testKilledWhileDeleting(t *testing.T, name, when string) {
	s := mustStudio(t)
	left := s.mustDie(t, name+" "+when, "!r:x")
	if name == forgotten && when == "after" {
		if left != nil {
			t.Errorf("the record stays: %+v", left)
		}
		return
	}
	if left == nil || left.Stage != store.Deleting || left.Steps[name] != "" {
		t.Fatalf("the crash left %+v", left)
	}
	if left.Steps[retracted] == store.Done { // in the other process
		s.room.retracted = append(s.room.retracted, "!r:x")
	}
	s.mustBeGone(t, *left)
}

// TestRemovedAnnouncement: a room that has removed the announcement has deleted the show, whether the
// bot was there or not. What the homeserver has not removed stays.
func TestRemovedAnnouncement(t *testing.T) {
	t.Parallel()
	t.Run("while it is live", func(t *testing.T) {
		s := mustStudio(t)
		show := s.mustStart(t, "")
		s.room.beRemoved("!r:x")
		if err := s.Redacted(t.Context(), "!r:x", "$announcement-!r:x"); err != nil {
			t.Fatal(err)
		}
		s.mustBeGone(t, show)
	})
	t.Run("while the bot is away, long after the show", func(t *testing.T) {
		s := mustStudio(t)
		show := s.mustStart(t, "tone:440,duration=100ms")
		s.mustConclude(t)
		s.mustRestart(t, func() { s.room.removed = "!r:x" })
		testhelp.Eventually(t, "the show is gone", func() bool { return len(s.mustList(t, store.Filter{})) == 0 })
		s.mustBeGone(t, show)
	})
	t.Run("while the bot is away, in a live show", func(t *testing.T) {
		s := mustStudio(t)
		s.IsLive, s.ResumeWithin = func(string) bool { return true }, time.Hour
		s.OpenSource = func(context.Context, string, capture.Options) (capture.Source, error) {
			t.Error("the microphone was opened")
			return nil, io.ErrUnexpectedEOF
		}
		tone := s.OpenSource
		s.OpenSource = s.open
		left := s.mustCrash(t, "tone:440", bytes.Clone)
		s.OpenSource = tone
		s.room.removed = "!r:x"
		s.mustBeGone(t, *left.record)
	})
	t.Run("not, only told of", func(t *testing.T) {
		s := mustStudio(t)
		ctx, cancel := context.WithCancel(t.Context())
		s.room.looking = cancel // once is enough here
		s.mustStart(t, "")
		if err := s.Redacted(ctx, "!r:x", "$announcement-!r:x"); !errors.Is(err, context.Canceled) {
			t.Errorf("Redacted = %v", err)
		}
		if _, live := s.Status("!r:x"); !live {
			t.Error("the show is over")
		}
	})
}

// TestRemovedWithoutAnAnswer: a homeserver that tells of a redaction and then does not answer is asked
// until it does, and one that still has the announcement a few times.
func TestRemovedWithoutAnAnswer(t *testing.T) {
	beImpatient(t, &retryRemoved)
	beImpatient(t, &retryCheck)
	s := mustStudio(t)
	show := s.mustStart(t, "")
	s.room.mu.Lock()
	s.room.silent = 30
	s.room.mu.Unlock()
	if err := s.Redacted(t.Context(), "!r:x", "$announcement-!r:x"); !errors.Is(err, errNotRemoved) {
		t.Errorf("an announcement that is still there: %v", err)
	}
	s.room.mu.Lock()
	s.room.silent, s.room.removed = 30, "!r:x"
	s.room.mu.Unlock()
	if err := s.Redacted(t.Context(), "!r:x", "$announcement-!r:x"); err != nil {
		t.Fatal(err)
	}
	s.mustBeGone(t, show)
	s.room.beRemoved("")
	old := s.mustStart(t, "tone:440,duration=100ms")
	s.mustConclude(t)
	s.mustRestart(t, func() { s.room.silent, s.room.removed = 3, "!r:x" })
	s.mustBeGone(t, old)
}

// beImpatient makes a policy wait for next to nothing.
func beImpatient(t *testing.T, policy *retry.Policy) {
	patient := *policy
	policy.First, policy.Max = time.Millisecond, time.Millisecond
	t.Cleanup(func() { *policy = patient })
}

// TestMayNotBegin: whoever has left while their request waited opens no microphone.
func TestMayNotBegin(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.room.mayNot = ErrSpeakerLeft
	s.OpenSource = func(context.Context, string, capture.Options) (capture.Source, error) {
		t.Error("the microphone was opened")
		return nil, io.ErrUnexpectedEOF
	}
	s.mustRefuse(t, "", "its speaker has left the room")
}

// TestMayNotGoOn: after a restart nobody is on air who has left meanwhile.
func TestMayNotGoOn(t *testing.T) {
	t.Parallel()
	for _, why := range []error{ErrSpeakerLeft, ErrNoSpeaker, ErrUnlisted, ErrEncrypted} {
		s := mustStudio(t)
		s.IsLive, s.ResumeWithin = func(string) bool { return true }, time.Hour
		s.room.mayNot = why
		s.mustCrash(t, "tone:440", bytes.Clone)
		if end := s.mustConclude(t); end.Reason != why.Error() || end.State() != store.StateInterrupted {
			t.Errorf("the show is %s because %q, want %q", end.State(), end.Reason, why)
		}
	}
}

// TestNobodyKnows: where it is not known whether the room was told of the end, it is the end.
func TestNobodyKnows(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.IsLive, s.ResumeWithin = func(string) bool { return true }, time.Hour
	s.room.forgets = errors.New("nobody knows what the room was told")
	s.mustCrash(t, "tone:440", bytes.Clone)
	end := s.mustConclude(t)
	if end.State() != store.StateInterrupted || end.Reason != reason(errRestarted) {
		t.Errorf("the show is %s because %q", end.State(), end.Reason)
	}
}

// TestDeleteInClosedRoom: the log names what a room does not let the bot remove, and a room that was
// closed is asked once more.
func TestDeleteInClosedRoom(t *testing.T) {
	t.Parallel()
	for closed, isNamed := range map[string]bool{"!r:x": true, "": false} {
		s := mustStudio(t)
		var log bytes.Buffer
		s.Log = slog.New(slog.NewTextHandler(&log, nil))
		show := s.mustStart(t, "tone:440,duration=100ms")
		s.mustConclude(t)
		s.room.closed = closed
		l, err := s.lifeOf(t.Context(), show.ID)
		if err != nil {
			t.Fatal(err)
		}
		l.entry.update(func(show *store.Show) { show.Announcements[0].Closed = true })
		s.mustDelete(t, show)
		s.mustBeGone(t, show)
		named := strings.Contains(log.String(), "room=!r:x announcement=$announcement-!r:x edits=\"$edit-1 $edit-2\" voice=$voice")
		if named != isNamed {
			t.Errorf("closed %q, the log says %s", closed, log.String())
		}
	}
}

// TestDeleteFilledAddress: the log names the file of an upload whose answer never came.
func TestDeleteFilledAddress(t *testing.T) {
	t.Parallel()
	inBothForms(t, func(t *testing.T, s *studio) {
		var log bytes.Buffer
		s.Log = slog.New(slog.NewTextHandler(&log, nil))
		s.room.reserves, s.room.filled, s.room.uploading = "mxc://x/reserved", ErrFilled, make(chan struct{})
		show := s.mustStart(t, "tone:440,duration=100ms")
		testhelp.Eventually(t, "the upload", func() bool { return s.mustList(t, store.Filter{})[0].Stage == store.Concluding })
		s.mustDelete(t, show)
		s.mustBeGone(t, show)
		if !strings.Contains(log.String(), "mxc=mxc://x/reserved") {
			t.Errorf("the log says %s", log.String())
		}
	})
}

// TestDeleteInFolderWithPattern: the path of the data folder may look like a pattern.
func TestDeleteInFolderWithPattern(t *testing.T) {
	t.Parallel()
	s := &studio{room: new(room), dir: filepath.Join(t.TempDir(), "radio [1]*")}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s.server = mustGateway(t, s.dir, gateway.Options{})
	s.Manager = mustManager(t, s.dir, s.server.URL, s.room, s.open)
	s.runs(t)
	t.Cleanup(func() { s.end() })
	show := s.mustStart(t, "")
	s.mustDelete(t, show)
	s.mustSettle(t)
	if _, err := os.Stat(s.spoolPath(show.ID)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the spool of a deleted show is still there: %v", err)
	}
}

// TestIDOfAnOlderShow: a gateway cannot have a show take the place of an older one.
func TestIDOfAnOlderShow(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	show := s.mustStart(t, "")
	if _, err := s.Stop(t.Context(), show.Announcements[0].Room); err != nil {
		t.Fatal(err)
	}
	s.mustSettle(t)
	s.Gateway = sameGateway{s.Gateway, show.ID}
	_, _, err := s.Start(t.Context(), Request{Rooms: []string{show.Announcements[0].Room}, Speaker: show.Speaker})
	if err == nil || !strings.Contains(err.Error(), "the id of an older one") {
		t.Errorf("a second show of that id: %v", err)
	}
	if kept := s.mustList(t, store.Filter{ID: show.ID}); len(kept) != 1 || kept[0].Main().Key != show.Main().Key {
		t.Error("the older show is not what it was")
	}
}

// sameGateway gives all shows one id.
type sameGateway struct {
	uploader.Remote
	id string
}

func (g sameGateway) Create(context.Context) (uploader.Upload, error) { return g.Upload(g.id), nil }
