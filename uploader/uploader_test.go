package uploader

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"broadcastbot/internal/livefile"
	"broadcastbot/internal/retry"
)

// memory is a Destination that can be made to fail.
type memory struct {
	mu       sync.Mutex
	bytes    []byte
	finished bool
	breaks   int   // how many Appends break after some bytes
	stalls   int   // how many Appends swallow everything and answer nothing
	refusal  error // what Offset returns

	unanswered int // how many Appends take everything and do not answer
}

var errBroken = errors.New("the line broke")

func (m *memory) Offset(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.bytes)), m.refusal
}

func (m *memory) Append(ctx context.Context, offset int64, r io.Reader) error {
	m.mu.Lock()
	at, stall := int64(len(m.bytes)), m.stalls > 0
	if stall {
		m.stalls--
	}
	m.mu.Unlock()
	if offset != at {
		return errors.New("wrong offset")
	}
	if stall {
		<-ctx.Done()
		return ctx.Err()
	}
	buf := make([]byte, 7)
	for {
		n, err := r.Read(buf)
		m.mu.Lock()
		m.bytes = append(m.bytes, buf[:n]...)
		broken := m.breaks > 0
		if broken {
			m.breaks--
		}
		m.mu.Unlock()
		switch {
		case err == io.EOF:
			return m.answer(ctx)
		case err != nil:
			return err
		case broken:
			return errBroken
		}
	}
}

func (m *memory) answer(ctx context.Context) error {
	m.mu.Lock()
	silent := m.unanswered > 0
	if silent {
		m.unanswered--
	}
	m.mu.Unlock()
	if silent {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (m *memory) Finish(_ context.Context, size int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if size != int64(len(m.bytes)) {
		return errors.New("wrong size")
	}
	m.finished = true
	return nil
}

func mustFile(t *testing.T, content string) *livefile.File {
	t.Helper()
	f, err := livefile.Create(filepath.Join(t.TempDir(), "spool"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	mustWrite(t, f, content)
	return f
}

func mustWrite(t *testing.T, f *livefile.File, content string) {
	t.Helper()
	if _, err := f.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
}

func newUploader(f *livefile.File, m *memory) *Uploader {
	return &Uploader{File: f, Destination: m, Log: slog.New(slog.DiscardHandler)}
}

func TestRunFollowsToTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, remote := mustFile(t, "one "), new(memory)
		u := newUploader(f, remote)
		done := make(chan error)
		go func() { done <- u.Run(t.Context()) }()
		synctest.Wait()
		mustWrite(t, f, "two ")
		synctest.Wait()
		if offset, _ := remote.Offset(t.Context()); offset != 8 {
			t.Errorf("%d bytes arrived at once, want 8", offset)
		}
		time.Sleep(time.Minute) // silence is no reason to break off
		mustWrite(t, f, "three")
		if err := f.Finish(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if string(remote.bytes) != "one two three" || !remote.finished || u.Uploaded() != 13 {
			t.Errorf("remote has %q, finished %v, %d known", remote.bytes, remote.finished, u.Uploaded())
		}
	})
}

func TestRunSurvives(t *testing.T) {
	content := string(bytes.Repeat([]byte("0123456789"), 20))
	for name, remote := range map[string]*memory{
		"broken lines":           {breaks: 5},
		"lines that died":        {stalls: 2},
		"both":                   {breaks: 2, stalls: 1},
		"an upload of last time": {bytes: []byte(content[:77])},
		"a complete upload":      {bytes: []byte(content)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := mustFile(t, content)
				if err := f.Finish(); err != nil {
					t.Fatal(err)
				}
				if err := newUploader(f, remote).Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				if string(remote.bytes) != content || !remote.finished {
					t.Errorf("remote has %d bytes, finished %v", len(remote.bytes), remote.finished)
				}
			})
		})
	}
}

func TestRunGivesUp(t *testing.T) {
	for name, test := range map[string]struct {
		remote *memory
		want   error
	}{
		"ErrAhead":    {&memory{bytes: []byte("longer than the file")}, ErrAhead},
		"wrong token": {&memory{refusal: retry.Permanent(&StatusError{Code: 401})}, &StatusError{}},
		"deleted":     {&memory{refusal: retry.Permanent(&StatusError{Code: 410})}, &StatusError{}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				err := newUploader(mustFile(t, "short"), test.remote).Run(t.Context())
				var status *StatusError
				if !errors.Is(err, test.want) && !errors.As(err, &status) {
					t.Errorf("Run = %v, want %T", err, test.want)
				}
			})
		})
	}
}

func TestRunWaitsForTheRemote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, remote := mustFile(t, "hello"), &memory{refusal: &StatusError{Code: 503}}
		f.Finish()
		time.AfterFunc(time.Hour, func() {
			remote.mu.Lock()
			defer remote.mu.Unlock()
			remote.refusal = nil
		})
		if err := newUploader(f, remote).Run(t.Context()); err != nil || !remote.finished {
			t.Errorf("Run = %v, finished %v", err, remote.finished)
		}
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("enough")
		time.AfterFunc(time.Minute, func() { cancel(cause) })
		if err := newUploader(mustFile(t, "x"), new(memory)).Run(ctx); !errors.Is(err, cause) {
			t.Errorf("Run = %v, want the cause", err)
		}
	})
}

// TestAnswerNeverComes: the remote has everything, and the line dies before it can
// say so.
func TestAnswerNeverComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, remote := mustFile(t, "hello"), &memory{unanswered: 1}
		if err := f.Finish(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := newUploader(f, remote).Run(ctx); err != nil || !remote.finished {
			t.Errorf("the upload does not end: %v", err)
		}
	})
}
