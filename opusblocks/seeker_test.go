package opusblocks

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

// mustSeeker returns a seeker over a file, which has read block 0, and the
// number of calls of Open so far.
func mustSeeker(t testing.TB, s show) (*Seeker, *int) {
	t.Helper()
	r := s.mustOpen(t)
	opened := new(int)
	return NewSeeker(r, func(offset int64) (io.Reader, error) {
		*opened++
		return bytes.NewReader(s.file[min(offset, int64(len(s.file))):]), nil
	}), opened
}

// holds returns the index of the block that holds a sample.
func (s show) holds(sample int64) int {
	for i, b := range s.blocks {
		if sample < b.End {
			return i
		}
	}
	return len(s.blocks)
}

// mustSeek seeks and compares what follows with what a reader from the
// beginning would have had there.
func mustSeek(t testing.TB, k *Seeker, s show, sample int64) {
	t.Helper()
	block, err := k.SeekTo(sample)
	if err != nil {
		t.Fatalf("seek to %d: %v", sample, err)
	}
	want := s.holds(sample)
	if want < len(s.blocks) && block.Offset != s.blocks[want].Offset {
		t.Fatalf("seek to %d: block %d, want %d", sample, block.Sequence, s.blocks[want].Sequence)
	}
	var packets [][]byte
	for _, p := range block.Packets {
		packets = append(packets, bytes.Clone(p))
	}
	rest, err := readAll(k.file.Reader)
	if err != nil {
		t.Fatalf("after the seek to %d: %v", sample, err)
	}
	mustPackets(t, append(packets, rest...), s.packets[5*want:])
}

func TestSeekCostsOneRequest(t *testing.T) {
	eachForm(t, func(t *testing.T, empty show) {
		s := empty.mustWrite(t, 3000, constant) // five minutes
		k, opened := mustSeeker(t, s)
		mustSeek(t, k, s, 0) // teaches the size of a block
		random := rand.New(rand.NewPCG(3, 3))
		for range 50 {
			*opened = 0
			mustSeek(t, k, s, random.Int64N(3000*4800))
			if *opened != 1 {
				t.Fatalf("%d requests, want 1", *opened)
			}
		}
	})
}

func TestSeekWithSignsOfLife(t *testing.T) {
	eachForm(t, func(t *testing.T, s show) {
		random := rand.New(rand.NewPCG(1, 1))
		var file bytes.Buffer
		w := s.mustBegin(t, &file)
		for i := range 600 {
			for i == 300 && w.Position().Sequence < 660 { // an hour of silence in the middle
				if err := w.KeepAlive(); err != nil {
					t.Fatal(err)
				}
			}
			s.mustAdd(t, w, random, constant)
		}
		if err := w.Finish(nil, 0); err != nil {
			t.Fatal(err)
		}
		s.file = file.Bytes()
		k, opened := mustSeeker(t, s)
		mustSeek(t, k, s, 0)
		for sample := int64(0); sample < 600*4800; sample += 30 * 4800 {
			*opened = 0
			mustSeek(t, k, s, sample+7)
			if *opened != 1 {
				t.Fatalf("seek to %d took %d requests", sample, *opened)
			}
		}
	})
}

func TestSeekInVariableBlocks(t *testing.T) {
	s := mustShow(t, 3000, varying)
	var table SeekTable
	for _, b := range s.blocks {
		b.Packets = s.packets[:1]
		table.Add(b)
	}
	for name, table := range map[string]SeekTable{"guessing": {}, "with the table": table} {
		k, opened := mustSeeker(t, s)
		k.Table = table
		mustSeek(t, k, s, 0)
		random := rand.New(rand.NewPCG(3, 3))
		*opened = 0
		for range 50 {
			mustSeek(t, k, s, random.Int64N(3000*4800))
		}
		limit := 150
		if len(table.entries) > 0 {
			limit = 50
		}
		if *opened > limit {
			t.Errorf("%s: %d requests for 50 seeks, want at most %d", name, *opened, limit)
		}
	}
}

func TestSeekEverySample(t *testing.T) {
	eachForm(t, func(t *testing.T, empty show) {
		for _, size := range sizes {
			s := empty.mustWrite(t, 12, size)
			k, _ := mustSeeker(t, s)
			for sample := int64(-10); sample < 12*4800+10; sample += 239 {
				mustSeek(t, k, s, sample)
			}
		}
	})
}

func TestSeekBeyondTheEnd(t *testing.T) {
	eachForm(t, func(t *testing.T, empty show) {
		for _, size := range sizes {
			s := empty.mustWrite(t, 30, size)
			k, _ := mustSeeker(t, s)
			k.Size = int64(len(s.file))
			mustSeek(t, k, s, 0)
			block, err := k.SeekTo(1 << 40)
			if err != nil || !block.Last {
				t.Errorf("SeekTo = %+v, %v, want the last block", block, err)
			}
		}
	})
}

func TestWrongTableCostsOnlyRequests(t *testing.T) {
	eachForm(t, func(t *testing.T, empty show) {
		for _, size := range sizes {
			s := empty.mustWrite(t, 200, size)
			k, _ := mustSeeker(t, s)
			beyond := int64(len(s.file)) + 500
			k.Table = SeekTable{entries: []point{{s.blocks[150].Offset + 9, 0}, {3, 4800}, {s.blocks[0].Offset + 3, 9600}, {beyond, 150 * 4800}}}
			for sample := int64(-10); sample < 200*4800; sample += 4801 {
				mustSeek(t, k, s, sample)
			}
		}
	})
}

func TestSeekErrors(t *testing.T) {
	s := mustShow(t, 3, constant)
	k, _ := mustSeeker(t, s)
	broken := errors.New("no route")
	k.Open = func(int64) (io.Reader, error) { return nil, broken }
	if _, err := k.SeekTo(4800); !errors.Is(err, broken) {
		t.Errorf("err = %v, want the cause", err)
	}
}

func FuzzSeeker(f *testing.F) {
	s := mustShow(f, 40, varying)
	f.Add("", int64(0), []byte{})
	f.Add("gwmAlPgE", int64(96000), []byte{9, 0, 7})
	f.Fuzz(func(t *testing.T, table string, sample int64, flips []byte) {
		parsed, err := ParseSeekTable(table)
		if err != nil {
			return
		}
		damaged := s
		damaged.file = bytes.Clone(s.file)
		for i, flip := range flips {
			damaged.file[(HeadSize+i*257)%len(s.file)] ^= flip
		}
		k, opened := mustSeeker(t, s)
		k.Open = func(offset int64) (io.Reader, error) {
			*opened++
			return bytes.NewReader(damaged.file[min(offset, int64(len(damaged.file))):]), nil
		}
		k.Table = parsed
		if _, err := k.SeekTo(sample); err != nil {
			mustBeKnown(t, err)
		}
		if *opened > 7 { // six guesses, and from the beginning
			t.Errorf("%d requests", *opened)
		}
	})
}
