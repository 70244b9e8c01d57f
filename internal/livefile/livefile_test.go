package livefile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func mustCreate(t testing.TB) *File {
	t.Helper()
	f, err := Create(filepath.Join(t.TempDir(), "spool"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func mustWrite(t testing.TB, f *File, p string) {
	t.Helper()
	if n, err := f.Write([]byte(p)); n != len(p) || err != nil {
		t.Fatalf("Write = %d, %v", n, err)
	}
}

func TestCreateRefusesAnExistingFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, want 0600", info.Mode())
	}
	if _, err := Create(path); !errors.Is(err, os.ErrExist) {
		t.Errorf("second Create = %v, want ErrExist", err)
	}
}

func TestOpenContinues(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, f, "hello torn")
	f.Close()

	f, err = Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(6); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, f, "world")
	if err := f.Finish(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(f.Follow(t.Context(), 0))
	if string(got) != "hello world" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestReadAtSeesPublishedBytesOnly(t *testing.T) {
	f := mustCreate(t)
	mustWrite(t, f, "abcdef")
	for _, test := range []struct {
		offset int64
		size   int
		want   string
		err    error
	}{
		{0, 3, "abc", nil},
		{3, 3, "def", nil},
		{4, 9, "ef", io.EOF},
		{6, 1, "", io.EOF},
		{99, 1, "", io.EOF},
	} {
		p := make([]byte, test.size)
		n, err := f.ReadAt(p, test.offset)
		if string(p[:n]) != test.want || err != test.err {
			t.Errorf("ReadAt(%d bytes, %d) = %q, %v", test.size, test.offset, p[:n], err)
		}
	}
}

func TestFollowersGetEveryByte(t *testing.T) {
	f := mustCreate(t)
	random := rand.New(rand.NewPCG(1, 2))
	var want bytes.Buffer
	for range 2000 {
		fmt.Fprintf(&want, "%d ", random.Uint32())
	}
	all := want.Bytes()

	var readers sync.WaitGroup
	for i := range 8 {
		readers.Go(func() {
			offset := int64(i * 100)
			got, err := io.ReadAll(f.Follow(t.Context(), offset))
			if err != nil || !bytes.Equal(got, all[offset:]) {
				t.Errorf("follower %d: %d bytes, %v", i, len(got), err)
			}
		})
	}
	for rest := all; len(rest) > 0; {
		n := min(len(rest), 1+random.IntN(50))
		mustWrite(t, f, string(rest[:n]))
		rest = rest[n:]
	}
	if err := f.Finish(); err != nil {
		t.Fatal(err)
	}
	readers.Wait()
}

func TestFollowEnds(t *testing.T) {
	t.Run("ErrClosed", func(t *testing.T) {
		f := mustCreate(t)
		mustWrite(t, f, "x")
		r := f.Follow(t.Context(), 1)
		go f.Close()
		if _, err := r.Read(make([]byte, 1)); !errors.Is(err, ErrClosed) {
			t.Errorf("Read = %v, want ErrClosed", err)
		}
	})
	t.Run("context", func(t *testing.T) {
		f := mustCreate(t)
		cause := errors.New("listener left")
		ctx, cancel := context.WithCancelCause(t.Context())
		go cancel(cause)
		if _, err := f.Follow(ctx, 0).Read(make([]byte, 1)); !errors.Is(err, cause) {
			t.Errorf("Read = %v, want the context's cause", err)
		}
	})
	t.Run("beyond the end", func(t *testing.T) {
		f := mustCreate(t)
		mustWrite(t, f, "x")
		f.Finish()
		if _, err := f.Follow(t.Context(), 99).Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("Read = %v, want EOF", err)
		}
	})
}

func TestWriteAfterTheEnd(t *testing.T) {
	f := mustCreate(t)
	f.Finish()
	if _, err := f.Write([]byte("x")); !errors.Is(err, ErrClosed) {
		t.Errorf("Write after Finish = %v, want ErrClosed", err)
	}
	if !f.Finished() {
		t.Error("Finished = false")
	}
}

// TestFullDisk needs a file system with an end: /dev/full refuses writes with ENOSPC like a full
// disk does.
func TestFullDisk(t *testing.T) {
	dev, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no /dev/full here:", err)
	}
	f := &File{f: dev, changed: make(chan struct{})}
	defer f.Close()
	if _, err := f.Write([]byte("x")); err == nil || f.Size() != 0 {
		t.Errorf("Write = %v with size %d, want an error and nothing published", err, f.Size())
	}
}

// TestFollowersAreToldOfALostDisk: that the end cannot be made durable is no reason to leave them
// waiting for more. The disk says it once; whoever asks again is told the same.
func TestFollowersAreToldOfALostDisk(t *testing.T) {
	f := mustCreate(t)
	lost := []error{errors.New("input/output error"), nil}
	f.syncAll = func() error {
		err := lost[0]
		lost = lost[1:]
		return err
	}
	for range 2 {
		if err := f.Finish(); err == nil || !f.Finished() {
			t.Errorf("Finish = %v, the file is finished: %v", err, f.Finished())
		}
	}
	if _, err := f.Follow(t.Context(), 0).Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("a follower gets %v, want io.EOF", err)
	}
}
