package broadcast

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/livefile"
	"broadcastbot/internal/retry"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

// crashed is what a run that was killed leaves behind.
type crashed struct {
	record *store.Show
	spool  string // path
	sent   [][]byte
}

// mustCrash makes the leftovers of a show of two seconds: blocks on the spool, a
// part of a block behind them, and as much of it at the gateway as uploaded
// says.
func (s *studio) mustCrash(t *testing.T, source string, uploaded func(spool []byte) []byte) crashed {
	t.Helper()
	upload, err := s.Gateway.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tone, err := s.open(t.Context(), "tone:440,duration=2s", capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	record := s.newShow(Request{Rooms: []string{"!r:x"}, Speaker: "@a:x", Source: source, Plain: s.plain}, tone.Format(), upload.ID())
	record.Stage, record.Announcements[0].Event = store.Live, "$announcement-!r:x"
	c := crashed{record: record, spool: s.spoolPath(record.ID)}
	file, err := createTrack(record.Main(), c.spool, opusblocks.Head{Channels: 1, PreSkip: tone.Format().PreSkip})
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		packet, err := tone.ReadPacket(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.sent = append(c.sent, packet)
		if err := file.write(c.sent[len(c.sent)-1:], time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	file.close()
	whole := c.mustRead(t)
	torn := append(bytes.Clone(whole), 0xFF, 0xFF, 0xFF, 0xFF, 21)
	if s.plain {
		torn = append(bytes.Clone(whole), "OggS\x00"...)
	}
	c.mustWrite(t, torn)
	s.mustUpload(t, upload, uploaded(whole))
	s.mustSave(t, c)
	return c
}

func (c crashed) mustRead(t *testing.T) []byte {
	t.Helper()
	spool, err := os.ReadFile(c.spool)
	if err != nil {
		t.Fatal(err)
	}
	return spool
}

func (c crashed) mustWrite(t *testing.T, spool []byte) {
	t.Helper()
	if err := os.WriteFile(c.spool, spool, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *studio) mustSave(t *testing.T, c crashed) {
	t.Helper()
	if err := s.Options.Store.SaveShow(t.Context(), c.record); err != nil {
		t.Fatal(err)
	}
}

func (s *studio) mustUpload(t *testing.T, upload uploader.Upload, part []byte) {
	t.Helper()
	f, err := livefile.Create(filepath.Join(t.TempDir(), upload.ID()))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(part); err != nil {
		t.Fatal(err)
	}
	if err := f.Finish(); err != nil {
		t.Fatal(err)
	}
	if err := upload.Append(t.Context(), 0, f.Follow(t.Context(), 0)); err != nil {
		t.Fatal(err)
	}
}

func half(spool []byte) []byte { return spool[:len(spool)/2] }

func TestCrashedFileShowIsClosed(t *testing.T) {
	t.Parallel()
	inBothForms(t, testCrashedFileShowIsClosed)
}

func testCrashedFileShowIsClosed(t *testing.T, s *studio) {
	s.ResumeWithin = time.Hour
	c := s.mustCrash(t, "file:talk.opus", half)
	end := s.mustConclude(t)
	if end.State() != store.StateInterrupted || end.Reason == "" || end.Main().Duration == 0 {
		t.Errorf("state %s because %q after %v", end.State(), end.Reason, end.Main().Duration)
	}
	// The end is authenticated, so nobody waits for more.
	mustEqual(t, mustHear(t, s.mustStream(t, *c.record)), c.sent)
	if open := s.mustList(t, store.Filter{Stages: store.Unconcluded}); len(open) > 0 {
		t.Errorf("%d shows are still open", len(open))
	}
}

func TestCrashedLiveShowGoesOn(t *testing.T) {
	t.Parallel()
	inBothForms(t, testCrashedLiveShowGoesOn)
}

func testCrashedLiveShowGoesOn(t *testing.T, s *studio) {
	s.ResumeWithin = time.Hour
	c := s.mustCrash(t, "tone:440", half)
	s.begin()
	stream := s.mustStream(t, *c.record)
	for range len(c.sent) + 30 {
		if _, err := stream.ReadPacket(); err != nil {
			t.Fatal(err)
		}
	}
	s.end() // ends the show too
	if end := s.mustConclude(t); end.State() != store.StateEnded || end.Main().Duration < 900*time.Millisecond {
		t.Errorf("state %s after %v", end.State(), end.Main().Duration)
	}
	mustEqual(t, mustHear(t, s.mustStream(t, *c.record)), append(c.sent, s.tape.packets...))
	if len(s.room.announced) != 0 {
		t.Error("the show was announced again")
	}
}

func TestOldLiveShowIsClosed(t *testing.T) {
	t.Parallel()
	inBothForms(t, testOldLiveShowIsClosed)
}

// An old show does not open the microphone, but it gets its end, so that nobody waits for more.
func testOldLiveShowIsClosed(t *testing.T, s *studio) {
	s.ResumeWithin = 0
	c := s.mustCrash(t, "tone:440", half)
	if end := s.mustConclude(t); end.State() != store.StateInterrupted {
		t.Errorf("state %s", end.State())
	}
	mustEqual(t, mustHear(t, s.mustStream(t, *c.record)), c.sent)
}

// mustBeCutOff hears everything, but no authenticated end.
func (s *studio) mustBeCutOff(t *testing.T, c crashed) {
	t.Helper()
	stream := s.mustStream(t, *c.record)
	mustEqual(t, mustRead(t, stream, len(c.sent)), c.sent)
	if _, err := stream.ReadPacket(); !errors.Is(err, opusblocks.ErrCutOff) {
		t.Errorf("after the last packet: %v, want ErrCutOff", err)
	}
}

// TestDamagedTail: what a power cut has left behind the last whole block is no
// reason to lose what is before it.
func TestDamagedTail(t *testing.T) {
	t.Parallel()
	for _, tail := range [][]byte{make([]byte, 4096), bytes.Repeat([]byte{0xFF, 7, 1}, 900)} {
		inBothForms(t, func(t *testing.T, s *studio) {
			s.ResumeWithin = time.Hour
			c := s.mustCrash(t, "tone:440", half)
			spool := c.mustRead(t)
			c.mustWrite(t, append(spool[:len(spool)-5], tail...))
			if end := s.mustConclude(t); end.State() != store.StateInterrupted || end.Main().Blocks != int64(len(c.sent))+1 {
				t.Errorf("state %s with %d blocks", end.State(), end.Main().Blocks)
			}
			s.mustBeCutOff(t, c)
		})
	}
}

// TestTwoOpenShowsInOneRoom: the older one is ended, the newer one goes on.
func TestTwoOpenShowsInOneRoom(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.ResumeWithin = time.Hour
	older := s.mustCrash(t, "tone:440", half)
	older.record.Stage = store.Concluding
	older.record.StartedAt = older.record.StartedAt.Add(-time.Hour)
	older.record.Announcements[0].Event += "-before"
	s.mustSave(t, older)
	newer := s.mustCrash(t, "tone:440", half)
	s.begin()
	stream := s.mustStream(t, *newer.record)
	for range len(newer.sent) + 10 {
		if _, err := stream.ReadPacket(); err != nil {
			t.Fatal(err)
		}
	}
	s.end()
	s.mustSettleAll(t, 2)
}

// TestInterruptedShowStaysOver: only the room had not been told.
func TestInterruptedShowStaysOver(t *testing.T) {
	t.Parallel()
	inBothForms(t, testInterruptedShowStaysOver)
}

func testInterruptedShowStaysOver(t *testing.T, s *studio) {
	s.ResumeWithin = time.Hour
	c := s.mustCrash(t, "tone:440", half)
	c.record.Stage, c.record.Reason = store.Concluding, "the disk is full"
	s.mustSave(t, c)
	if end := s.mustConclude(t); end.State() != store.StateInterrupted || end.Reason != "the disk is full" {
		t.Errorf("state %s because %q", end.State(), end.Reason)
	}
	s.mustBeCutOff(t, c)
}

// TestAnnouncementWithoutAnswer: the crash came while the homeserver took the
// announcement; repeating it tells its id.
func TestAnnouncementWithoutAnswer(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	c := s.mustCrash(t, "file:talk.opus", half)
	c.record.Stage, c.record.Announcements[0].Event = store.Starting, ""
	s.mustSave(t, c)
	if end := s.mustConclude(t); end.Announcements[0].Event != "$announcement-!r:x" || end.State() != store.StateInterrupted {
		t.Errorf("event %q, state %s", end.Announcements[0].Event, end.State())
	}
}

// TestNothingIsTouchedBeforeTheAnnouncerIsReady: a bot that cannot log in ends
// at once, and leaves the show for the next start.
func TestNothingIsTouchedBeforeTheAnnouncerIsReady(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.ResumeWithin = time.Hour
	s.room.unready = errors.New("wrong password")
	c := s.mustCrash(t, "tone:440", half)
	before := c.mustRead(t)
	s.end()
	after, err := os.ReadFile(c.spool)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the spool was touched (%v)", err)
	}
	if open := s.mustList(t, store.Filter{Stages: store.Unconcluded}); len(open) != 1 {
		t.Errorf("%d shows are open", len(open))
	}
}

func TestMicrophoneIsGoneAfterTheCrash(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.ResumeWithin = time.Hour
	c := s.mustCrash(t, "device:Attic", half)
	s.OpenSource = func(context.Context, string, capture.Options) (capture.Source, error) {
		return nil, errors.New("no such microphone")
	}
	if end := s.mustConclude(t); end.State() != store.StateInterrupted {
		t.Errorf("state %s", end.State())
	}
	mustEqual(t, mustHear(t, s.mustStream(t, *c.record)), c.sent)
}

// TestNothingIsSealedTwice: the gateway has a block that the spool has lost, so
// that block's number is spent, and the file must stay without an end.
func TestNothingIsSealedTwice(t *testing.T) {
	t.Parallel()
	inBothForms(t, testNothingIsSealedTwice)
}

func testNothingIsSealedTwice(t *testing.T, s *studio) {
	s.ResumeWithin = time.Hour
	c := s.mustCrash(t, "tone:440", func(spool []byte) []byte {
		next := make([]byte, 200)
		return append(spool, next...)
	})
	before := c.mustRead(t)
	end := s.mustConclude(t)
	if end.State() != store.StateInterrupted || end.Main().Blocks != 0 || len(s.room.voiced) > 0 { // what the gateway has is not known
		t.Errorf("state %s with %d blocks, and %d voice messages", end.State(), end.Main().Blocks, len(s.room.voiced))
	}
	after, err := os.ReadFile(c.spool)
	if err != nil {
		t.Fatal("the spool, which the gateway does not have, is gone:", err)
	}
	if len(after) != len(before)-5 {
		t.Errorf("the spool has %d bytes, want %d", len(after), len(before)-5)
	}
}

func TestSpoolIsMissing(t *testing.T) {
	t.Parallel()
	inBothForms(t, testSpoolIsMissing)
}

func testSpoolIsMissing(t *testing.T, s *studio) {
	s.ResumeWithin = time.Hour
	c := s.mustCrash(t, "tone:440", half)
	if err := os.Remove(c.spool); err != nil {
		t.Fatal(err)
	}
	if end := s.mustConclude(t); end.State() != store.StateInterrupted || end.Reason == "" {
		t.Errorf("state %s because %q", end.State(), end.Reason)
	}
	// The gateway has half of it, and says that there is no more.
	stream := s.mustStream(t, *c.record)
	for {
		if _, err := stream.ReadPacket(); errors.Is(err, opusblocks.ErrCutOff) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestEndedShowIsOnlyConcluded(t *testing.T) {
	t.Parallel()
	inBothForms(t, testEndedShowIsOnlyConcluded)
}

func testEndedShowIsOnlyConcluded(t *testing.T, s *studio) {
	c := s.mustCrash(t, "tone:440", half)
	file, left, err := openTrack(c.record.Main(), c.spool)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(resumeWriters([]*track{file}, []leftover{left}), file.finish(nil, 0, time.Time{})); err != nil {
		t.Fatal(err)
	}
	file.close()
	if end := s.mustConclude(t); end.State() != store.StateEnded {
		t.Errorf("state %s because %q", end.State(), end.Reason)
	}
	mustEqual(t, mustHear(t, s.mustStream(t, *c.record)), c.sent)
}

// TestTwoLiveShowsInOneRoom: only one of them can go on, because a room has one
// place; nobody could stop the other one.
func TestTwoLiveShowsInOneRoom(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.ResumeWithin = time.Hour
	older := s.mustCrash(t, "tone:440", half)
	older.record.StartedAt = older.record.StartedAt.Add(-time.Minute)
	s.mustSave(t, older)
	newer := s.mustCrash(t, "tone:440", half)
	s.begin()
	mustEqual(t, mustHear(t, s.mustStream(t, *older.record)), older.sent)
	stream := s.mustStream(t, *newer.record)
	for range len(newer.sent) + 10 {
		if _, err := stream.ReadPacket(); err != nil {
			t.Fatal(err)
		}
	}
	if over, err := s.Stop(t.Context(), "!r:x"); err != nil || over.ID != newer.record.ID {
		t.Errorf("Stop = %s, %v, want the newer show", over.ID, err)
	}
	s.mustSettleAll(t, 2)
}

// TestDiskIsGoneAfterTheCrash: a spool that the disk does not give does not keep
// the room waiting, and stays.
func TestDiskIsGoneAfterTheCrash(t *testing.T) {
	patient := retryOpen
	retryOpen = retry.Policy{First: time.Millisecond, Max: time.Millisecond, Attempts: 2}
	t.Cleanup(func() { retryOpen = patient })
	s := mustStudio(t)
	s.ResumeWithin = time.Hour
	c := s.mustCrash(t, "tone:440", half)
	if err := os.Remove(c.spool); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(c.spool, 0o700); err != nil { // it can be neither read nor missed
		t.Fatal(err)
	}
	end := s.mustConclude(t)
	if end.State() != store.StateInterrupted || end.Steps[described] != store.Failed || end.Steps[removed] != store.Failed {
		t.Errorf("state %s, steps %v", end.State(), end.Steps)
	}
	if _, err := os.Stat(c.spool); err != nil {
		t.Errorf("the spool is gone: %v", err)
	}
	s.mustStart(t, "tone:440,duration=100ms")
}

// TestDamageInTheMiddle: what is behind the damage cannot be played, but nothing
// recorded is thrown away.
func TestDamageInTheMiddle(t *testing.T) {
	t.Parallel()
	inBothForms(t, func(t *testing.T, s *studio) {
		s.ResumeWithin = time.Hour
		c := s.mustCrash(t, "tone:440", func([]byte) []byte { return nil })
		damaged := c.mustRead(t)
		damaged[len(damaged)*3/4] ^= 1
		c.mustWrite(t, damaged)
		if end := s.mustConclude(t); end.State() != store.StateInterrupted {
			t.Errorf("state %s", end.State())
		}
		if kept, err := os.ReadFile(c.spool + damagedFile); err != nil || !bytes.Equal(kept, damaged) {
			t.Errorf("of %d bytes %d are kept (%v)", len(damaged), len(kept), err)
		}
	})
}

// TestRepairKeepsTheTime: a show of yesterday is not one of now because the bot
// has looked at it.
func TestRepairKeepsTheTime(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	c := s.mustCrash(t, "tone:440", half)
	yesterday := time.Now().Add(-24 * time.Hour).Truncate(time.Second)
	if err := os.Chtimes(c.spool, yesterday, yesterday); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		file, left, err := openTrack(c.record.Main(), c.spool)
		if err != nil {
			t.Fatal(err)
		}
		file.close()
		if !left.written.Equal(yesterday) {
			t.Errorf("it was written %v, want %v", left.written, yesterday)
		}
	}
}

// TestRestoredShowIsAsOldAsItsSound: a copy of the disk may look as if it had been written just now.
func TestRestoredShowIsAsOldAsItsSound(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.ResumeWithin = time.Millisecond
	c := s.mustCrash(t, "tone:440", half)
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(c.spool, later, later); err != nil {
		t.Fatal(err)
	}
	if end := s.mustConclude(t); end.State() != store.StateInterrupted {
		t.Errorf("state %s: it was on air again", end.State())
	}
	mustEqual(t, mustHear(t, s.mustStream(t, *c.record)), c.sent)
}

// TestStopWhileResuming: a show that is stopped before it is on air again does not
// stay there.
func TestStopWhileResuming(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.ResumeWithin = time.Hour
	c := s.mustCrash(t, "tone:440", half)
	opening, opened := make(chan struct{}), make(chan struct{})
	open := s.OpenSource
	s.OpenSource = func(ctx context.Context, spec string, o capture.Options) (capture.Source, error) {
		close(opening)
		<-opened
		return open(ctx, spec, o)
	}
	s.begin()
	<-opening
	<-s.resumed
	ctx, giveUp := context.WithCancel(t.Context())
	giveUp()
	if _, err := s.Stop(ctx, "!r:x"); !errors.Is(err, context.Canceled) {
		t.Errorf("Stop = %v while the show is starting", err)
	}
	close(opened)
	if end := s.mustConclude(t); end.ID != c.record.ID || end.State() != store.StateEnded {
		t.Errorf("state %s", end.State())
	}
}

// holdResumed has a show that comes back wait while its room is looked at, from when looking is closed
// until goOn is called.
func (s *studio) holdResumed() (looking <-chan struct{}, goOn func()) {
	begun, over := make(chan struct{}), make(chan struct{})
	s.room.looking = sync.OnceFunc(func() {
		close(begun)
		<-over
	})
	return begun, func() { close(over) }
}

// TestStopIfWhileResuming: who may end a show is judged while it comes back as well as later, and at
// once. A show that is stopped then opens no microphone. Whatever asks what is on air hears of it, and
// what comes later does not change what !live delete means.
func TestStopIfWhileResuming(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.ResumeWithin = time.Hour
	c := s.mustCrash(t, "tone:440", half)
	looking, goOn := s.holdResumed()
	s.OpenSource = func(context.Context, string, capture.Options) (capture.Source, error) {
		t.Error("the microphone was opened")
		return nil, io.ErrUnexpectedEOF
	}
	s.begin()
	<-looking
	if _, err := s.StopIf(t.Context(), "!r:x", func(show *store.Show) bool { return show.Speaker == "@mallory:x" }); !errors.Is(err, ErrNotLive) {
		t.Errorf("StopIf of somebody else = %v", err)
	}
	if all := s.OnAir(); len(all) != 1 || !all[0].Returning {
		t.Errorf("%d shows are on air or come back, want the one", len(all))
	}
	if status, live := s.Status("!r:x"); !live || !status.Returning || status.Show.ID != c.record.ID {
		t.Errorf("Status = %+v, %v", status, live)
	}
	if found, err := s.Find(t.Context(), "!r:x", ""); err != nil || found.ID != c.record.ID {
		t.Errorf("Find = %s, %v", found.ID, err)
	}
	if s.places.of("!r:x").isStopped() {
		t.Error("a stop that counts for nothing has stopped the show")
	}
	ctx, giveUp := context.WithCancel(t.Context())
	giveUp()
	if _, err := s.StopIf(ctx, "!r:x", func(show *store.Show) bool { return show.Speaker == "@a:x" }); !errors.Is(err, context.Canceled) {
		t.Errorf("StopIf of the speaker = %v", err)
	}
	goOn()
	if end := s.mustConclude(t); end.ID != c.record.ID || end.State() != store.StateEnded {
		t.Errorf("state %s because %q", end.State(), end.Reason)
	}
}

// TestStartWhileResuming: whoever wants to be on air while their show comes back gets that show.
func TestStartWhileResuming(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.ResumeWithin = time.Hour
	c := s.mustCrash(t, "tone:440", half)
	looking, goOn := s.holdResumed()
	s.begin()
	<-looking
	ctx, giveUp := context.WithCancel(t.Context())
	giveUp()
	r := Request{Rooms: []string{"!r:x"}, Speaker: "@a:x", Source: "tone:440"}
	if _, _, err := s.Start(ctx, r); !errors.Is(err, context.Canceled) {
		t.Errorf("Start = %v while the show comes back", err)
	}
	goOn()
	show, started, err := s.Start(t.Context(), r)
	if err != nil || started || show.ID != c.record.ID {
		t.Errorf("Start = %s, started %v, %v, want the show of before", show.ID, started, err)
	}
}
