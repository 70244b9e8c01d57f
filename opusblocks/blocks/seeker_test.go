package blocks

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

// mustSeeker returns a seeker by sequence number, what it moves, and how often
// the file was opened so far.
func mustSeeker(t testing.TB, f file) (*Seeker, *numbered, *int) {
	t.Helper()
	opened := new(int)
	r := &numbered{Reader: f.mustOpen(t)}
	return NewSeeker(r, func(offset int64) (io.Reader, error) {
		*opened++
		return bytes.NewReader(f.bytes[min(offset, int64(len(f.bytes))):]), nil
	}, nil), r, opened
}

// mustSeek seeks and compares the block and all that follow.
func mustSeek(t testing.TB, s *Seeker, r *numbered, f file, sequence int) {
	t.Helper()
	span, err := s.SeekTo(int64(sequence))
	if err != nil {
		t.Fatalf("seek to block %d: %v", sequence, err)
	}
	if span.Offset != int64(f.offsets[sequence-1]) || r.block.Sequence != uint32(sequence) {
		t.Fatalf("seek to block %d: found %d", sequence, r.block.Sequence)
	}
	payloads := [][]byte{bytes.Clone(r.block.Payload)}
	rest, err := readAll(r.Reader)
	if !errors.Is(err, ErrCutOff) {
		t.Fatalf("after the seek to block %d: %v", sequence, err)
	}
	mustPayloads(t, append(payloads, rest...), f.payloads[sequence-1:])
}

func TestSeekBySequence(t *testing.T) {
	for name, size := range map[string]func(*rand.Rand) int{"constant": constant, "varying": varying} {
		f := mustFile(t, 3000, size)
		s, r, opened := mustSeeker(t, f)
		mustSeek(t, s, r, f, 1) // teaches the size of a block
		random := rand.New(rand.NewPCG(3, 3))
		*opened = 0
		for range 50 {
			mustSeek(t, s, r, f, 1+random.IntN(3000))
		}
		limit := 50
		if name == "varying" {
			limit = 150
		}
		if *opened > limit {
			t.Errorf("%s: %d requests for 50 seeks, want at most %d", name, *opened, limit)
		}
	}
}

func TestSeekToEveryBlock(t *testing.T) {
	for _, size := range []func(*rand.Rand) int{constant, varying} {
		f := mustFile(t, 40, size)
		s, r, _ := mustSeeker(t, f)
		for sequence := 40; sequence > 0; sequence-- {
			mustSeek(t, s, r, f, sequence)
		}
		s.hint = func(value int64) (int64, bool) { return int64(len(f.bytes)) - 300*value, true } // a wrong one
		for sequence := range 40 {
			mustSeek(t, s, r, f, sequence+1)
		}
		s.Size = int64(len(f.bytes))
		if _, err := s.SeekTo(41); !errors.Is(err, ErrCutOff) {
			t.Errorf("beyond the edge: %v, want ErrCutOff", err)
		}
	}
}

func TestSeekErrors(t *testing.T) {
	s, _, _ := mustSeeker(t, mustFile(t, 3, constant))
	broken := errors.New("no route")
	s.Open = func(int64) (io.Reader, error) { return nil, broken }
	if _, err := s.SeekTo(2); !errors.Is(err, broken) {
		t.Errorf("err = %v, want the cause", err)
	}
}

// numbered is a Reader in which a [Seeker] finds blocks by their sequence numbers.
type numbered struct {
	*Reader
	block Block // the block that was read last
}

// NextSpan implements [Measured].
func (n *numbered) NextSpan() (Span, error) {
	block, err := n.Next()
	if err != nil {
		return Span{}, err
	}
	n.block = block
	return Span{
		Offset: block.Offset, Size: block.Size,
		From: int64(block.Sequence), To: int64(block.Sequence) + 1,
	}, nil
}
