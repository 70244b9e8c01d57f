package broadcast

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/gateway"
	"broadcastbot/internal/testhelp"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

func TestPacketsHeardAreThePacketsSent(t *testing.T) {
	t.Parallel()
	inBothForms(t, testPacketsHeardAreThePacketsSent)
}

func testPacketsHeardAreThePacketsSent(t *testing.T, s *studio) {
	b := s.mustStart(t, "tone:440,duration=2s")
	live := mustHear(t, s.mustStream(t, b))
	end := s.mustConclude(t)
	mustEqual(t, live, s.tape.packets)
	mustEqual(t, mustHear(t, s.mustStream(t, b)), s.tape.packets)

	if end.State() != store.StateEnded || end.Reason != "" {
		t.Errorf("state %s because %q", end.State(), end.Reason)
	}
	if end.Main().Duration != 2*time.Second {
		t.Errorf("duration %v, want 2s", end.Main().Duration)
	}
	if end.Main().Size == 0 || end.Main().Blocks < 20 || len(end.Main().SHA256) != 43 || end.Main().Seek == "" {
		t.Errorf("the closing facts are %+v", end)
	}
	if _, err := os.Stat(s.spoolPath(end.ID)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the spool stays: %v", err)
	}
	if open := s.mustList(t, store.Filter{Stages: store.Unconcluded}); len(open) > 0 {
		t.Errorf("%d shows are open", len(open))
	}
}

func TestStopEndsAnEndlessShow(t *testing.T) {
	t.Parallel()
	inBothForms(t, testStopEndsAnEndlessShow)
}

func testStopEndsAnEndlessShow(t *testing.T, s *studio) {
	b := s.mustStart(t, "")
	stream := s.mustStream(t, b)
	if _, err := stream.ReadPacket(); err != nil {
		t.Fatal(err)
	}
	status, live := s.Status("!r:x")
	if !live || status.Show.ID != b.ID || status.Extent.Size == 0 {
		t.Errorf("Status = %+v, %v", status, live)
	}
	over, err := s.Stop(t.Context(), "!r:x")
	if err != nil || over.State() != store.StateEnded || over.Main().Duration == 0 {
		t.Errorf("Stop = %+v, %v", over, err)
	}
	mustHear(t, stream)
	if _, err := s.Stop(t.Context(), "!r:x"); !errors.Is(err, ErrNotLive) {
		t.Errorf("second Stop = %v, want ErrNotLive", err)
	}
	if _, live := s.Status("!r:x"); live {
		t.Error("Status says live after the end")
	}
	if all := s.OnAir(); len(all) > 0 {
		t.Errorf("%d shows are on air after the end", len(all))
	}
}

func TestStartIsIdempotent(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	first := s.mustStart(t, "")
	again, started, err := s.Start(t.Context(), Request{Rooms: []string{"!r:x"}, Source: "tone:880"})
	if err != nil || started || again.ID != first.ID {
		t.Errorf("second Start = %s, %v, %v, want the running show", again.ID, started, err)
	}
	other, started, err := s.Start(t.Context(), Request{Rooms: []string{"!other:x"}})
	if err != nil || !started || other.ID == first.ID {
		t.Errorf("Start in another room = %v, %v", started, err)
	}
	if _, err := s.Stop(t.Context(), "!r:x"); err != nil {
		t.Fatal(err)
	}
	if next := s.mustStart(t, ""); next.ID == first.ID || next.Main().Key == first.Main().Key {
		t.Error("the next show is the last one")
	}
}

func TestFailedStartLeavesNothing(t *testing.T) {
	t.Parallel()
	t.Run("unknown source", func(t *testing.T) {
		s := mustStudio(t)
		s.mustRefuse(t, "radio:1", "unknown source")
	})
	t.Run("gateway down", func(t *testing.T) {
		s := mustStudio(t)
		s.server.Close()
		s.mustRefuse(t, "", "the gateway cannot take the show")
	})
	t.Run("wrong token", func(t *testing.T) {
		s := mustStudio(t)
		s.Gateway.(*uploader.Tus).Token = "wrong"
		s.mustRefuse(t, "", "401")
	})
	t.Run("no permission to announce", func(t *testing.T) {
		s := mustStudio(t)
		s.room.refuse = fmt.Errorf("%w: muted", ErrRoomClosed)
		s.mustRefuse(t, "", "muted")
	})
	t.Run("no folder for the spool", func(t *testing.T) {
		s := mustStudio(t)
		s.SpoolDir += "/missing"
		s.mustRefuse(t, "", "the recording cannot be written")
	})
}

func (s *studio) mustRefuse(t *testing.T, source, want string) {
	t.Helper()
	s.begin()
	_, started, err := s.Start(t.Context(), Request{Rooms: []string{"!r:x"}, Source: source})
	if err == nil || started || !strings.Contains(err.Error(), want) {
		t.Errorf("Start = %v, %v, want an error with %q", started, err, want)
	}
	if _, live := s.Status("!r:x"); live {
		t.Error("the room is taken by a show that never was")
	}
	if shows := s.mustList(t, store.Filter{}); len(shows) > 0 {
		t.Errorf("%d records stay", len(shows))
	}
	if files, _ := os.ReadDir(s.dir + "/spool"); len(files) > 0 {
		t.Errorf("%d spools stay", len(files))
	}
	recordings, err := os.ReadDir(s.dir + "/recordings")
	for _, f := range recordings {
		if info, _ := f.Info(); err != nil || info.Size() > 0 {
			t.Errorf("the recording %s stays, %v", f.Name(), err)
		}
	}
}

// faulty is a source with a fault that shows when it is read.
type faulty struct{ capture.Source }

func (faulty) ReadPacket(context.Context) ([]byte, error) { panic("a fault") }

// TestSourcePanics: a fault in a source ends its own show; one that shows when it is opened is told.
func TestSourcePanics(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	open := s.OpenSource
	s.OpenSource = func(ctx context.Context, spec string, o capture.Options) (capture.Source, error) {
		src, err := open(ctx, spec, o)
		return faulty{src}, err
	}
	s.mustStart(t, "")
	if end := s.mustConclude(t); end.State() != store.StateInterrupted || end.Reason != "the source broke off" {
		t.Errorf("state %s because %q", end.State(), end.Reason)
	}
	s.OpenSource = func(context.Context, string, capture.Options) (capture.Source, error) { panic("a fault") }
	_, _, err := s.Start(t.Context(), Request{Rooms: []string{"!r:x"}, Speaker: "@a:x"})
	if err == nil || strings.Contains(err.Error(), "fault") {
		t.Errorf("of a source that cannot be opened: %v", err)
	}
}

func TestSourceBreaksOff(t *testing.T) {
	t.Parallel()
	inBothForms(t, testSourceBreaksOff)
}

func testSourceBreaksOff(t *testing.T, s *studio) {
	open := s.OpenSource
	s.OpenSource = func(ctx context.Context, spec string, o capture.Options) (capture.Source, error) {
		src, err := open(ctx, spec, o)
		s.tape.fail, s.tape.limit = fmt.Errorf("device:Desk: %w", capture.ErrDeviceGone), 23
		return src, err
	}
	b := s.mustStart(t, "")
	heard := mustHear(t, s.mustStream(t, b))
	end := s.mustConclude(t)
	if len(heard) != 23 {
		t.Errorf("%d packets heard, want all 23", len(heard))
	}
	mustEqual(t, heard, s.tape.packets)
	if end.State() != store.StateInterrupted || !strings.Contains(end.Reason, "microphone") {
		t.Errorf("state %s because %q", end.State(), end.Reason)
	}
}

// TestDiskFull records onto a file system of 16 kB.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	if err := syscall.Mount("tmpfs", s.SpoolDir, "tmpfs", 0, "size=16k"); err != nil {
		t.Skip("a small file system cannot be mounted here:", err)
	}
	t.Cleanup(func() { syscall.Unmount(s.SpoolDir, 0) })
	b := s.mustStart(t, "")
	stream := s.mustStream(t, b)
	var heard [][]byte
	var err error
	for err == nil {
		var packet []byte
		if packet, err = stream.ReadPacket(); err == nil {
			heard = append(heard, packet)
		}
	}
	if !errors.Is(err, opusblocks.ErrCutOff) {
		t.Errorf("the listener's end is %v, want ErrCutOff", err)
	}
	end := s.mustConclude(t)
	if end.State() != store.StateInterrupted || end.Reason != "the disk is full" {
		t.Errorf("state %s because %q", end.State(), end.Reason)
	}
	// The last block found no room; everything before it was kept and heard.
	if len(heard) < 100 || len(heard) < len(s.tape.packets)-5 {
		t.Errorf("%d of %d packets heard", len(heard), len(s.tape.packets))
	}
	mustEqual(t, heard, s.tape.packets[:len(heard)])
}

func TestEndIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.room.failures = 1
	s.mustStart(t, "tone:440,duration=100ms")
	if end := s.mustConclude(t); end.State() != store.StateEnded {
		t.Errorf("state %s", end.State())
	}
}

// TestRoomIsToldInTheEnd: a homeserver that is away for longer than a stop
// waits is told by itself, and another show can go on air meanwhile.
func TestRoomIsToldInTheEnd(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.room.failures = 2
	first := s.mustStart(t, "")
	if _, err := s.Stop(t.Context(), "!r:x"); err != nil {
		t.Fatal(err)
	}
	second := s.mustStart(t, "tone:440,duration=100ms")
	s.places.running.Wait()
	told := map[string]bool{}
	for _, b := range s.room.updated {
		told[b.ID] = b.State() == store.StateEnded
	}
	if !told[first.ID] || !told[second.ID] {
		t.Errorf("the room was told the end of %d shows, want both", len(told))
	}
}

// TestGatewayIsFull: a show that is larger than the gateway takes ends there,
// goes on here, and is not tried again for ever.
func TestGatewayIsFull(t *testing.T) {
	t.Parallel()
	s := mustStudioWith(t, gateway.Options{MaxSize: 4000})
	b := s.mustStart(t, "tone:440,duration=2s")
	stream := s.mustStream(t, b)
	var err error
	for err == nil {
		_, err = stream.ReadPacket()
	}
	if !errors.Is(err, opusblocks.ErrCutOff) {
		t.Errorf("the listener's end is %v, want ErrCutOff", err)
	}
	if end := s.mustConclude(t); end.Main().Duration != 2*time.Second {
		t.Errorf("%v were recorded", end.Main().Duration)
	}
	if open := s.mustList(t, store.Filter{Stages: store.Unconcluded}); len(open) > 0 {
		t.Errorf("%d shows are open", len(open))
	}
}

func TestGatewayLosesTheShow(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	b := s.mustStart(t, "tone:440,duration=1s")
	if err := s.Gateway.Upload(b.ID).Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	end := s.mustConclude(t)
	if end.State() != store.StateEnded || end.Main().Duration != time.Second {
		t.Errorf("the recording is %v long, state %s", end.Main().Duration, end.State())
	}
	if len(s.room.said) != 1 || !strings.Contains(s.room.said[0], "Nobody can listen live") {
		t.Errorf("the room was told %q", s.room.said)
	}
	if _, err := os.Stat(s.spoolPath(end.ID)); err != nil {
		t.Errorf("the only copy here is gone: %v", err)
	}
}

// TestSourceThatDoesNotOpen: a source may wait until somebody speaks. Whoever has
// asked for it can give up.
func TestSourceThatDoesNotOpen(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	opening := make(chan struct{})
	s.OpenSource = func(ctx context.Context, _ string, _ capture.Options) (capture.Source, error) {
		close(opening)
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	s.begin()
	ctx, giveUp := context.WithCancelCause(t.Context())
	go func() {
		<-opening
		giveUp(errors.New("enough"))
	}()
	if _, _, err := s.Start(ctx, Request{Rooms: []string{"!r:x"}}); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("Start = %v, want that it was given up", err)
	}
	if _, live := s.Status("!r:x"); live {
		t.Error("the room is taken by a show that never was")
	}
}

// slowToClose is a source that ends by itself and then takes its time.
type slowToClose struct {
	capture.Source
	closing, close chan struct{}
}

func (s slowToClose) Close() error {
	close(s.closing)
	<-s.close
	return s.Source.Close()
}

// TestStartWhileAShowEnds: who starts a show while the last one is just being
// completed gets a new show.
func TestStartWhileAShowEnds(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	closing, close1 := make(chan struct{}), make(chan struct{})
	open := s.OpenSource
	s.OpenSource = func(ctx context.Context, spec string, o capture.Options) (capture.Source, error) {
		source, err := open(ctx, spec, o)
		if strings.Contains(spec, "100ms") {
			source = slowToClose{source, closing, close1}
		}
		return source, err
	}
	first := s.mustStart(t, "tone:440,duration=100ms")
	<-closing
	time.AfterFunc(50*time.Millisecond, func() { close(close1) }) // it may as well be before the start
	if second := s.mustStart(t, "tone:440,duration=200ms"); second.ID == first.ID {
		t.Error("the show that is over is said to be on air")
	}
	s.mustSettleAll(t, 2)
}

// source is one that a test makes up.
type source struct {
	read func(ctx context.Context) ([]byte, error)
}

func (s source) Format() capture.Format                         { return capture.Format{Channels: 1, PreSkip: 312} }
func (s source) EndTrim() int                                   { return 0 }
func (s source) Close() error                                   { return nil }
func (s source) ReadPacket(ctx context.Context) ([]byte, error) { return s.read(ctx) }

// TestSourceThatNeverWaits: a show is stopped although its source always has
// packets, even useless ones.
func TestSourceThatNeverWaits(t *testing.T) {
	t.Parallel()
	tone := &studio{}
	first, err := tone.open(t.Context(), "tone:440", capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	packet, err := first.ReadPacket(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	for name, read := range map[string]func(context.Context) ([]byte, error){
		"packets": func(context.Context) ([]byte, error) { return packet, nil },
		"useless": func(context.Context) ([]byte, error) { return nil, nil },
	} {
		t.Run(name, func(t *testing.T) {
			s := mustStudio(t)
			s.OpenSource = func(context.Context, string, capture.Options) (capture.Source, error) { return source{read}, nil }
			s.mustStart(t, "")
			if over, err := s.Stop(t.Context(), "!r:x"); err != nil || over.State() != store.StateEnded {
				t.Errorf("Stop = %s, %v", over.State(), err)
			}
		})
	}
}

// TestHugePackets: however large they are, they fit into blocks.
func TestHugePackets(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.BlockDuration = time.Second
	huge := append([]byte{31 << 3}, bytes.Repeat([]byte{7}, maxPacket-1)...) // 20 ms, CELT
	n := 0
	s.OpenSource = func(context.Context, string, capture.Options) (capture.Source, error) {
		return source{func(context.Context) ([]byte, error) {
			if n++; n > 100 {
				return nil, io.EOF
			}
			return huge, nil
		}}, nil
	}
	s.mustStart(t, "")
	if end := s.mustConclude(t); end.State() != store.StateEnded || end.Main().Size < int64(100*len(huge)) {
		t.Errorf("state %s because %q, %d bytes", end.State(), end.Reason, end.Main().Size)
	}
}

// TestStopDoesNotWaitForTheDatabase, which somebody copies, say. But no room is told
// that a show is over before the record knows it: after a crash the show could go
// on air again.
func TestStopDoesNotWaitForTheDatabase(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.mustStart(t, "")
	lock, err := s.Options.Store.DB().BeginTx(t.Context(), nil) // takes the write lock at once
	if err != nil {
		t.Fatal(err)
	}
	if over, err := s.Stop(t.Context(), "!r:x"); err != nil || over.State() != store.StateEnded {
		t.Errorf("Stop = %s, %v", over.State(), err)
	}
	s.room.mu.Lock()
	if len(s.room.updated) > 0 {
		t.Error("the room was told before the record was saved")
	}
	s.room.mu.Unlock()
	if err := lock.Rollback(); err != nil {
		t.Fatal(err)
	}
	s.mustConclude(t)
}

// TestLostAnswer: the homeserver has the announcement, and its answer does not
// arrive. The room does not say LIVE for ever, and is free.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.room.loses = 1
	s.begin()
	_, started, err := s.Start(t.Context(), Request{Rooms: []string{"!r:x"}})
	if err == nil || started || !strings.Contains(err.Error(), "cannot be announced") {
		t.Errorf("Start = %v, %v", started, err)
	}
	end := s.mustConclude(t)
	if end.State() != store.StateInterrupted || end.Reason != errUnannounced.Error() || end.Announcements[0].Event == "" {
		t.Errorf("state %s because %q, told by %q", end.State(), end.Reason, end.Announcements[0].Event)
	}
	s.mustStart(t, "tone:440,duration=100ms")
}

// TestRefusedRoomIsFree: the place of a room that does not take the announcement
// is not taken by a show that others hear.
func TestRefusedRoomIsFree(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.room.refuse, s.room.refuses = fmt.Errorf("%w: muted", ErrRoomClosed), "!other:x"
	s.begin()
	show, started, err := s.Start(t.Context(), Request{Rooms: []string{"!r:x", "!other:x"}})
	if err != nil || !started {
		t.Fatal(started, err)
	}
	if _, live := s.Status("!other:x"); live {
		t.Errorf("a room that was not told has the show %s", show.ID)
	}
	if _, live := s.Status("!r:x"); !live {
		t.Error("the room that was told has no show")
	}
	if all := s.OnAir(); len(all) != 1 || all[0].Show.ID != show.ID {
		t.Errorf("%d shows are on air", len(all))
	}
}

// TestRecordCannotBeSaved: the disk is full, also of the database. The room is told
// all the same, and the spool says that the show is over.
func TestRecordCannotBeSaved(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	show := s.mustStart(t, "")
	if _, err := s.mustStream(t, show).ReadPacket(); err != nil {
		t.Fatal(err)
	}
	db := s.Options.Store.DB()
	if _, err := db.Exec(`CREATE TRIGGER full BEFORE INSERT ON show BEGIN SELECT RAISE(ABORT, 'disk full'); END`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stop(t.Context(), "!r:x"); err != nil {
		t.Fatal(err)
	}
	testhelp.Eventually(t, "the room knows the end", func() bool {
		s.room.mu.Lock()
		defer s.room.mu.Unlock()
		return len(s.room.updated) > 0 && s.room.updated[0].State() == store.StateEnded
	})
	if info, err := os.Stat(s.spoolPath(show.ID)); err != nil || info.ModTime().Unix() != 0 {
		t.Errorf("the spool says that the show is young: %v, %v", info, err)
	}
	if _, err := db.Exec(`DROP TRIGGER full`); err != nil {
		t.Fatal(err)
	}
	s.mustConclude(t)
}
