package broadcast

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"broadcastbot/capture"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
)

// TestTimesOfCapture: a checkpoint tells when the sound was captured, as far as that can be true.
func TestTimesOfCapture(t *testing.T) {
	_, signing, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	record := &store.Track{ID: "AAAAAAAAAAAAAAAAAAAAAA", Key: opusblocks.NewKey(), Signing: signing, Channels: 1}
	file, err := createTrack(record, filepath.Join(t.TempDir(), "spool"), opusblocks.Head{Channels: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer file.close()
	began := time.Now().Add(-10 * time.Minute).Truncate(time.Millisecond)
	file.clock.earliest = began
	fiveSeconds := slices.Repeat([][]byte{{0xF8, 0xFF, 0xFE}}, 250)
	var want []time.Time
	for _, test := range []struct{ says, want time.Time }{
		{began.Add(6 * time.Second), began.Add(6 * time.Second)},
		{began.Add(time.Minute), began.Add(time.Minute)},
		{began, began.Add(65 * time.Second)}, // what came since then took 5 s
		{time.UnixMilli(0), began.Add(70 * time.Second)},
		{began.Add(5 * time.Minute), began.Add(5 * time.Minute)},
		{time.Now().Add(time.Hour), time.Time{}}, // now
		{time.Time{}, time.Time{}},
	} {
		if err := file.write(fiveSeconds, test.says); err != nil {
			t.Fatal(err)
		}
		want = append(want, test.want)
	}
	if err := errors.Join(file.finish(nil, 0, time.Time{}), file.spool.Finish()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file.path)
	if err != nil {
		t.Fatal(err)
	}
	told := mustCheckpoints(t, file.form, text)
	for i, want := range want {
		if want.IsZero() && time.Since(told[i]).Abs() > time.Minute || !want.IsZero() && !told[i].Equal(want) {
			t.Errorf("block %d was captured %v after the beginning, want %v", i, told[i].Sub(began), want.Sub(began))
		}
	}
}

// mustCheckpoints returns the times of all checkpoints in a file.
func mustCheckpoints(t *testing.T, form opusblocks.Form, file []byte) (told []time.Time) {
	t.Helper()
	blocks := form.NewReader(bytes.NewReader(file))
	for {
		block, err := blocks.ReadBlock()
		if err == io.EOF {
			return told
		}
		if err != nil {
			t.Fatal(err)
		}
		if block.Checkpoint != nil {
			told = append(told, block.Checkpoint.Time)
		}
	}
}

// lineSource is a source with all that a line has.
type lineSource struct {
	source
	mu       sync.Mutex
	durable  []int64
	reason   *string
	downFrom time.Time
}

func (s *lineSource) Durable(samples int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.durable = append(s.durable, samples)
}
func (s *lineSource) Captured() time.Time     { return time.Time{} }
func (s *lineSource) LineDown() time.Time     { return s.downFrom }
func (s *lineSource) Concluded(reason string) { s.reason = &reason }

// packetsOfLine yields n packets, and then an error.
func packetsOfLine(n int, end error) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) {
		if n--; n < 0 {
			return nil, end
		}
		return []byte{0xF8, 0xFF, 0xFE}, nil
	}
}

// TestLine: a line is told what is durable, and how its show has ended; the room is told that it is
// gone.
func TestLine(t *testing.T) {
	t.Parallel()
	for end, reason := range map[error]string{io.EOF: "", capture.ErrLineGone: "the speaker's line did not come back"} {
		s := mustStudio(t)
		began := make(chan struct{})
		yield := packetsOfLine(13, end)
		line := &lineSource{downFrom: time.UnixMilli(1), source: source{func(ctx context.Context) ([]byte, error) {
			<-began
			return yield(ctx)
		}}}
		s.OpenSource = func(_ context.Context, _ string, has capture.Options) (capture.Source, error) {
			if has.Resumed || has.Recorded != 0 {
				t.Errorf("a new show has %d samples", has.Recorded)
			}
			return line, nil
		}
		s.mustStart(t, "line")
		if status, _ := s.Status("!r:x"); !status.LineDown.Equal(line.downFrom) {
			t.Errorf("the line is down since %v", status.LineDown)
		}
		close(began)
		if show := s.mustConclude(t); show.Reason != reason {
			t.Errorf("the room is told %q, want %q", show.Reason, reason)
		}
		if want := []int64{5 * 960, 10 * 960, 13 * 960}; !slices.Equal(line.durable, want) {
			t.Errorf("durable: %v, want %v", line.durable, want)
		}
		if line.reason == nil || *line.reason != reason {
			t.Errorf("the line is told %v, want %q", line.reason, reason)
		}
	}
}

// TestResumedLine: after a restart a line is told what the show has, and may be older than other
// sources by as much as its sound may come late.
func TestResumedLine(t *testing.T) {
	t.Parallel()
	s := mustStudio(t)
	s.IsLive, s.ResumeWithin = func(string) bool { return true }, time.Minute
	s.Late = func(string) time.Duration { return time.Hour }
	c := s.mustCrash(t, "line", half)
	before := time.Now().Add(-30 * time.Minute)
	if err := os.Chtimes(c.spool, before, before); err != nil {
		t.Fatal(err)
	}
	line := &lineSource{source: source{packetsOfLine(1, io.EOF)}}
	s.OpenSource = func(_ context.Context, _ string, has capture.Options) (capture.Source, error) {
		if want := int64(len(c.sent)) * 960; !has.Resumed || has.Recorded != want {
			t.Errorf("the show has %d samples, want %d", has.Recorded, want)
		}
		return line, nil
	}
	if show := s.mustConclude(t); show.Reason != "" {
		t.Errorf("it did not go on: %s", show.Reason)
	}
	if want := []int64{int64(len(c.sent)+1) * 960}; !slices.Equal(line.durable, want) {
		t.Errorf("durable: %v, want %v", line.durable, want)
	}
}
