package broadcast

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"broadcastbot/internal/retry"
	"broadcastbot/internal/testhelp"
	"broadcastbot/store"
)

type stepFunc = func(*conclusion, context.Context) error

// inStep wraps what a step does until the test is over.
func inStep(t *testing.T, name string, wrap func(stepFunc) stepFunc) {
	t.Helper()
	table := steps
	if slices.ContainsFunc(deletionSteps, func(s step) bool { return s.name == name }) {
		table = deletionSteps
	}
	i := slices.IndexFunc(table, func(s step) bool { return s.name == name })
	run := table[i].run
	table[i].run = wrap(run)
	t.Cleanup(func() { table[i].run = run })
}

// dieAt is the variable that names the step, and the side of it, at which a show
// in a process of its own kills that: "told before", "told after".
const dieAt = "BROADCAST_DIES_AT"

// TestKilledInEveryStep: kill -9 before a step and after it, when what it did is
// not noted yet. The next run goes on there, and does nothing again that was noted.
func TestKilledInEveryStep(t *testing.T) {
	for _, s := range steps {
		for _, when := range []string{"before", "after"} {
			t.Run(s.name+" "+when, func(t *testing.T) { testKilledInStep(t, s.name, when) })
		}
	}
}

// mustDie runs a show in another process, which is to kill itself.
func (s *studio) mustDie(t *testing.T, at string, rooms ...string) *store.Show {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestShowThatDies$")
	child.Env = append(os.Environ(), dieAt+"="+at, "BROADCAST_ROOMS="+strings.Join(rooms, " "),
		"BROADCAST_DIR="+s.dir, "BROADCAST_GATEWAY="+s.server.URL)
	out, err := child.CombinedOutput()
	if status, ok := child.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the show did not die: %v\n%s", err, out)
	}
	if left := s.mustList(t, store.Filter{}); len(left) > 0 {
		return left[0]
	}
	return nil
}

func testKilledInStep(t *testing.T, name, when string) {
	s := mustStudio(t)
	left := s.mustDie(t, name+" "+when, "!r:x")
	if left.Stage != store.Concluding || left.Steps[name] != "" {
		t.Fatalf("the crash left a show that is %s, with %v", left.Stage, left.Steps)
	}
	// What the room was told before the crash, the other process's room knows.
	s.room.updated = append(s.room.updated, left.Clone())

	ran := noteSteps(t)
	end := s.mustConclude(t)
	for _, step := range steps {
		if again := slices.Contains(ran(), step.name); again == (left.Steps[step.name] != "") {
			t.Errorf("step %s, which was %q, was done: %v", step.name, left.Steps[step.name], again)
		}
		if end.Steps[step.name] != store.Done {
			t.Errorf("step %s is %q in the end", step.name, end.Steps[step.name])
		}
	}
	if _, err := os.Stat(s.spoolPath(end.ID)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the spool stays: %v", err)
	}
	if main := end.Main(); main.Duration != 300*time.Millisecond || main.Wave == "" || main.MXC == "" || end.Reason != "" {
		t.Errorf("the show became %+v because %q", main.Recap, end.Reason)
	}
	if heard := mustHear(t, s.mustStream(t, end)); len(heard) != 16 {
		t.Errorf("%d packets are heard, want 16", len(heard))
	}
}

// TestKilledBetweenRooms: of two rooms one has its voice message, and gets no
// second one.
func TestKilledBetweenRooms(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	left := s.mustDie(t, "between rooms", "!r:x", "!other:x")
	if left.Announcements[0].VoiceEvent == "" || left.Announcements[1].VoiceEvent != "" {
		t.Fatalf("the crash left the announcements %+v", left.Announcements)
	}
	s.room.updated = append(s.room.updated, left.Clone())
	s.mustConclude(t)
	if !slices.Equal(s.room.voiced, []string{"!other:x"}) {
		t.Errorf("voice messages were posted in %v", s.room.voiced)
	}
}

// noteSteps returns a function that names the steps that have been run.
func noteSteps(t *testing.T) func() []string {
	t.Helper()
	var mu sync.Mutex
	var names []string
	for _, s := range steps {
		inStep(t, s.name, func(run stepFunc) stepFunc {
			return func(c *conclusion, ctx context.Context) error {
				mu.Lock()
				names = append(names, s.name)
				mu.Unlock()
				return run(c, ctx)
			}
		})
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(names)
	}
}

// TestShowThatDies is the other process of these tests.
func TestShowThatDies(t *testing.T) {
	at := os.Getenv(dieAt)
	if at == "" {
		t.Skip("it is run by TestKilledInEveryStep")
	}
	kill := func() {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	s := &studio{room: new(room)}
	s.Manager = mustManager(t, os.Getenv("BROADCAST_DIR"), os.Getenv("BROADCAST_GATEWAY"), s.room, s.open)
	if name, when, _ := strings.Cut(at, " "); name == "between" {
		s.room.voicing = func(room string) {
			if room == "!other:x" {
				testhelp.Eventually(t, "the first room's message is noted", func() bool {
					return s.mustList(t, store.Filter{})[0].Announcements[0].VoiceEvent != ""
				})
				kill()
			}
		}
	} else {
		inStep(t, name, func(run stepFunc) stepFunc {
			return func(c *conclusion, ctx context.Context) error {
				if when == "before" {
					kill()
				}
				if err := run(c, ctx); err != nil {
					return err
				}
				kill()
				return nil
			}
		})
	}
	go s.Run(context.Background())
	rooms := strings.Fields(os.Getenv("BROADCAST_ROOMS"))
	show, _, err := s.Start(t.Context(), Request{Rooms: rooms, Source: "tone:440,duration=" + cmp.Or(os.Getenv("BROADCAST_LASTS"), "300ms")})
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("BROADCAST_LASTS") != "" {
		s.Delete(t.Context(), show.ID)
	}
	select {} // until it is killed
}

// TestNobodyWaitsForTheEnd: while the homeserver takes its time with the file, a
// stop is answered, the room knows, and the next show is on air.
func TestNobodyWaitsForTheEnd(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.room.uploading = make(chan struct{})
	first := s.mustStart(t, "")
	if _, err := s.mustStream(t, first).ReadPacket(); err != nil {
		t.Fatal(err)
	}
	over, err := s.Stop(t.Context(), "!r:x")
	if err != nil || over.State() != store.StateEnded || over.Main().Duration == 0 {
		t.Errorf("Stop = %s after %v, %v", over.State(), over.Main().Duration, err)
	}
	second := s.mustStart(t, "tone:440,duration=100ms")
	if second.ID == first.ID {
		t.Error("the next show is the first one")
	}
	testhelp.Eventually(t, "the room knows the end of the first show", func() bool {
		s.room.mu.Lock()
		defer s.room.mu.Unlock()
		return slices.ContainsFunc(s.room.updated, func(u store.Show) bool {
			return u.ID == first.ID && u.State() == store.StateEnded
		})
	})
	close(s.room.uploading)
	s.mustSettleAll(t, 2)
}

func TestOneShowInTwoRooms(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.begin()
	rooms := []string{"!r:x", "!other:x"}
	show, started, err := s.Start(t.Context(), Request{Rooms: rooms})
	if err != nil || !started || len(show.Announcements) != 2 {
		t.Fatalf("Start = %+v, %v, %v", show, started, err)
	}
	for _, room := range rooms {
		again, started, err := s.Start(t.Context(), Request{Rooms: []string{room}})
		if err != nil || started || again.ID != show.ID {
			t.Errorf("Start in %s = %s, %v, %v, want the running show", room, again.ID, started, err)
		}
	}
	if _, started, err := s.Start(t.Context(), Request{Rooms: []string{"!third:x", "!other:x"}}); err != nil || started {
		t.Errorf("Start in a free room and a taken one = %v, %v", started, err)
	}
	if _, live := s.Status("!third:x"); live {
		t.Error("a room is taken by a show that never was")
	}
	if _, err := s.mustStream(t, show).ReadPacket(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stop(t.Context(), "!other:x"); err != nil {
		t.Fatal(err)
	}
	if _, live := s.Status("!r:x"); live {
		t.Error("the show goes on in the first room")
	}
	end := s.mustConclude(t)
	for _, a := range end.Announcements {
		if a.VoiceEvent == "" || !slices.Contains(s.room.voiced, a.Room) {
			t.Errorf("room %s has no voice message: %+v", a.Room, a)
		}
	}
}

// TestStepsNoteSideBySide: an edit that is under way while the voice message is
// posted, and noted, does not take that note back.
func TestStepsNoteSideBySide(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.room.retelling = make(chan struct{})
	s.mustStart(t, "tone:440,duration=100ms")
	end := s.mustConclude(t)
	if a := end.Announcements[0]; a.VoiceEvent == "" || a.Revision != end.Revision() {
		t.Errorf("the record says %+v, want revision %s", a, end.Revision())
	}
}

// TestOneRoomIsClosed: the other one is told everything.
func TestOneRoomIsClosed(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.room.closed = "!other:x"
	s.begin()
	if _, _, err := s.Start(t.Context(), Request{Rooms: []string{"!r:x", "!other:x"}, Source: "tone:440,duration=100ms"}); err != nil {
		t.Fatal(err)
	}
	end := s.mustConclude(t)
	if !slices.Equal(s.room.voiced, []string{"!r:x"}) || end.Main().MXC == "" || end.Announcements[0].Closed || !end.Announcements[1].Closed {
		t.Errorf("voice messages in %v, the file at %q, announcements %+v", s.room.voiced, end.Main().MXC, end.Announcements)
	}
}

// TestVoiceAnswersTheAnnouncement: a room whose announcement was lost, and could
// not be posted again yet, gets the voice message when it has something to answer.
func TestVoiceAnswersTheAnnouncement(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.room.loses, s.room.failures = 1, 2
	s.begin()
	if _, _, err := s.Start(t.Context(), Request{Rooms: []string{"!r:x", "!other:x"}, Source: "tone:440,duration=100ms"}); err != nil {
		t.Fatal(err)
	}
	s.mustConclude(t)
	if s.room.astray > 0 || len(s.room.voiced) != 2 {
		t.Errorf("%d voice messages answer nothing, there are %v", s.room.astray, s.room.voiced)
	}
}

// TestReservedAddressIsUsed: the file comes to be where the announcement has said
// from the beginning, and there is nothing to be told later.
func TestReservedAddressIsUsed(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.room.reserves = "mxc://x/reserved"
	s.mustStart(t, "tone:440,duration=100ms")
	if end := s.mustConclude(t); end.Main().MXC != "mxc://x/reserved" || end.Main().Reserved != "" || len(s.room.released) > 0 {
		t.Errorf("the file is at %q, reserved is %q, released %v", end.Main().MXC, end.Main().Reserved, s.room.released)
	}
	if len(s.room.updated) != 1 {
		t.Errorf("the announcement was edited %d times, want once", len(s.room.updated))
	}
}

// TestReservedAddressIsGivenBack where no file will be: a homeserver reserves
// only a few for an account.
func TestReservedAddressIsGivenBack(t *testing.T) {
	t.Parallel()
	const reserved = "mxc://x/reserved"
	for reason, refuse := range map[string]func(*room){ // as the log tells it
		"room is closed": func(r *room) { r.closed = "!r:x" },
		"too large":      func(r *room) { r.store = retry.Permanent(errors.New("too large")) },
	} {
		t.Run(reason, func(t *testing.T) {
			s := mustStudio(t)
			var log bytes.Buffer
			s.Log = slog.New(slog.NewTextHandler(&log, nil))
			s.room.reserves = reserved
			refuse(s.room)
			s.mustStart(t, "tone:440,duration=100ms")
			end := s.mustConclude(t)
			if !slices.Equal(s.room.released, []string{reserved}) || end.Main().Address() != "" {
				t.Errorf("released %v, the record says %q", s.room.released, end.Main().Address())
			}
			if s.room.closed != "" && len(s.room.voiced) > 0 {
				t.Error("a voice message was posted in a room that is closed")
			}
			if end.Steps[uploaded] != store.Failed {
				t.Errorf("the upload is %q", end.Steps[uploaded])
			}
			if !strings.Contains(log.String(), reason) {
				t.Errorf("the log does not say %q:\n%s", reason, &log)
			}
		})
	}
	t.Run("not announced", func(t *testing.T) {
		s := mustStudio(t)
		s.room.reserves, s.room.refuse = reserved, fmt.Errorf("%w: muted", ErrRoomClosed)
		s.mustRefuse(t, "", "muted")
		if !slices.Equal(s.room.released, []string{reserved}) {
			t.Errorf("released %v", s.room.released)
		}
	})
}

// TestDescriptionIsRepeated: out of descriptors, say.
func TestDescriptionIsRepeated(t *testing.T) {
	s := mustStudio(t)
	failures := 2
	inStep(t, described, func(run stepFunc) stepFunc {
		return func(c *conclusion, ctx context.Context) error {
			if failures--; failures >= 0 {
				return &os.PathError{Op: "open", Path: "spool", Err: syscall.EMFILE}
			}
			return run(c, ctx)
		}
	})
	s.mustStart(t, "tone:440,duration=100ms")
	end := s.mustConclude(t)
	if end.Main().SHA256 == "" || end.Main().Duration != 100*time.Millisecond {
		t.Errorf("the recap is %+v", end.Main().Recap)
	}
	if last := s.room.updated[len(s.room.updated)-1]; last.Main().SHA256 == "" {
		t.Error("the room was not told the recap")
	}
}

// TestUndescribedSpoolIsKept: a recording that cannot be read back is not
// removed, whoever says to have a copy of it.
func TestUndescribedSpoolIsKept(t *testing.T) {
	s := mustStudio(t)
	inStep(t, described, func(run stepFunc) stepFunc {
		return func(c *conclusion, ctx context.Context) error {
			c.tracks[0].recap = nil // what was read while it grew
			spool, err := os.ReadFile(c.tracks[0].path)
			if err != nil {
				return err
			}
			spool[len(spool)/2] ^= 1
			if err := os.WriteFile(c.tracks[0].path, spool, 0o600); err != nil {
				return err
			}
			return run(c, ctx)
		}
	})
	s.mustStart(t, "tone:440,duration=500ms")
	end := s.mustConclude(t)
	if end.Steps[described] != store.Failed || end.Steps[removed] != store.Failed || end.Main().Duration != 500*time.Millisecond {
		t.Errorf("described is %q, the recap %+v", end.Steps[described], end.Main().Recap)
	}
	if files, err := filepath.Glob(filepath.Join(s.SpoolDir, "*")); err != nil || len(files) != 1 {
		t.Errorf("the spools are %v, %v", files, err)
	}
}

// TestRecap: what is read while the file grows, and what is read of it
// afterwards, is the same.
func TestRecap(t *testing.T) {
	inBothForms(t, func(t *testing.T, s *studio) {
		var afterwards store.Recap
		inStep(t, removed, func(run stepFunc) stepFunc {
			return func(c *conclusion, ctx context.Context) error {
				spool, err := os.Open(c.tracks[0].path)
				if err != nil {
					return err
				}
				defer spool.Close()
				if afterwards, err = readRecap(spool, c.tracks[0].form); err != nil {
					return err
				}
				return run(c, ctx)
			}
		})
		s.mustStart(t, "tone:440,duration=1s")
		if end := s.mustConclude(t); end.Main().Recap != afterwards || end.Main().Level > -10 || end.Main().Level < -40 {
			t.Errorf("the recap is %+v, afterwards %+v", end.Main().Recap, afterwards)
		}
	})
}
