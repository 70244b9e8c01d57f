package blocks

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

func TestAnyBytesAreRead(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var sizes []int
	for _, near := range []int{0, 16, 255, 4096, queueSize, MaxBlockSize - HeaderSize - TagSize} {
		sizes = append(sizes, max(0, near-1), near)
	}
	f := mustFile(t, len(sizes), func(*rand.Rand) int {
		size := sizes[0]
		sizes = sizes[1:]
		return size
	})
	markers := bytes.Repeat(markerBytes, 9) // bytes that look like headers are bytes like others
	f.payloads = append(f.payloads, randomBytes(random, 5), markers)
	out := bytes.NewBuffer(f.bytes)
	w := ResumeWriter(out, NewSealed(f.key, testLayout), Position{Offset: int64(out.Len()), Sequence: 13})
	if err := w.Write(f.payloads[12:]...); err != nil {
		t.Fatal(err)
	}
	at := int64(f.offsets[0])
	r := f.open(out.Bytes())
	for i, want := range f.payloads {
		got, err := r.Next()
		if err != nil || !bytes.Equal(got.Payload, want) || got.Sequence != uint32(i+1) || got.Offset != at {
			t.Fatalf("block %d = %d of %d bytes at %d, %v", i+1, got.Sequence, len(got.Payload), got.Offset, err)
		}
		at += int64(got.Size)
	}
	if r.Position() != w.Position() || r.Position().Offset != int64(out.Len()) {
		t.Errorf("the reader stands at %+v, the writer at %+v", r.Position(), w.Position())
	}
}

func TestTooLargeLeavesNoTrace(t *testing.T) {
	var out bytes.Buffer
	f := file{key: NewKey()}
	w := f.mustBegin(t, &out)
	before := out.Len()
	tooLarge := make([]byte, MaxBlockSize-HeaderSize-TagSize+1)
	if err := w.Write([]byte("good"), tooLarge); err == nil || out.Len() != before {
		t.Errorf("Write = %v after %d bytes", err, out.Len()-before)
	}
	if err := w.Write([]byte("good")); err != nil {
		t.Fatal(err)
	}
	payloads, err := readAll(f.open(out.Bytes()))
	if !errors.Is(err, ErrCutOff) {
		t.Fatal(err)
	}
	mustPayloads(t, payloads, [][]byte{[]byte("good")})
}

// limitedWriter counts the writes and refuses when there were enough.
type limitedWriter struct{ writes, limit int }

func (w *limitedWriter) Write(p []byte) (int, error) {
	w.writes++
	if w.writes > w.limit {
		return len(p) / 2, io.ErrShortWrite
	}
	return len(p), nil
}

func TestOneWritePerCall(t *testing.T) {
	out := &limitedWriter{limit: 2}
	w := file{key: NewKey()}.mustBegin(t, out)
	if err := w.Write([]byte("a"), nil, []byte("b")); err != nil || out.writes != 2 {
		t.Fatalf("%d writes, %v", out.writes, err)
	}
	before := w.Position()
	if before.Sequence != 4 {
		t.Errorf("Position = %+v", before)
	}
	if err := w.Write(nil); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("Write = %v", err)
	}
	out.limit = 100 // too late: the number is spent
	for name, write := range map[string]func(...[]byte) error{"Write": w.Write, "Finish": w.Finish} {
		if err := write(nil); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%s after the error = %v", name, err)
		}
	}
	if out.writes != 3 || w.Position().Offset != before.Offset {
		t.Errorf("%d writes, want 3; Position = %+v", out.writes, w.Position())
	}
}

func TestFinishedWriterRefuses(t *testing.T) {
	w := file{key: NewKey()}.mustBegin(t, io.Discard)
	if err := w.Finish([]byte("end")); err != nil || w.Err() != ErrFinished {
		t.Fatalf("Finish = %v, then Err = %v", err, w.Err())
	}
	if err := w.Write(nil); err != ErrFinished {
		t.Errorf("Write = %v", err)
	}
}

func TestLastSequenceNumberIsForTheEnd(t *testing.T) {
	w := ResumeWriter(io.Discard, NewSealed(NewKey(), testLayout), Position{Sequence: maxSequence - 2})
	if err := w.Write(nil, nil, nil); err != ErrFull {
		t.Errorf("three blocks where two fit: %v", err)
	}
	if err := w.Write(nil, nil); err != nil {
		t.Errorf("two blocks where two fit: %v", err)
	}
	if err := w.Write(nil); err != ErrFull {
		t.Errorf("Write of the last number = %v", err)
	}
	if err := w.Finish(nil, nil); err != ErrFull {
		t.Errorf("Finish with two blocks = %v", err)
	}
	if err := w.Finish(nil); err != nil || w.sequence != maxSequence+1 {
		t.Errorf("Finish = %v, then the next number is %d", err, w.sequence)
	}
}

func TestHotPathDoesNotAllocate(t *testing.T) {
	w := file{key: NewKey()}.mustBegin(t, io.Discard)
	payloads := [][]byte{make([]byte, 400), make([]byte, 500)}
	if n := testing.AllocsPerRun(100, func() {
		if err := w.Write(payloads...); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Write allocates %v times", n)
	}
	r := mustFile(t, 200, constant).mustOpen(t)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Next allocates %v times", n)
	}
}
