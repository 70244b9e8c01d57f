package blocks

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"
)

func TestCutAtEveryByte(t *testing.T) {
	f := mustFile(t, 4, varying)
	for n := range len(f.bytes) {
		r := f.open(f.bytes[:n])
		payloads, err := readAll(r)
		if !errors.Is(err, ErrCutOff) {
			t.Fatalf("cut at %d: err = %v, want ErrCutOff", n, err)
		}
		// The rest arrives: nothing is lost and nothing comes twice.
		r.Continue(bytes.NewReader(f.bytes[r.Position().Offset:]))
		rest, err := readAll(r)
		if !errors.Is(err, ErrCutOff) || r.Position() != (Position{int64(len(f.bytes)), 5}) {
			t.Fatalf("continued at %d: %v", n, err)
		}
		mustPayloads(t, append(payloads, rest...), f.payloads)
	}
}

func TestFlipEveryBit(t *testing.T) {
	f := mustFile(t, 3, varying)
	starts := append([]int{len(magic)}, f.offsets...)
	for at := range f.bytes {
		block := len(starts) - 1
		for block > 0 && at < starts[block] {
			block--
		}
		checksum := at-starts[block] >= 12 && at-starts[block] < HeaderSize
		for bit := range 8 {
			damaged := bytes.Clone(f.bytes)
			damaged[at] ^= 1 << bit
			payloads, err := readAll(f.open(damaged))
			mustBeKnown(t, err)
			if checksum {
				mustPayloads(t, payloads, f.payloads)
				continue
			}
			if errors.Is(err, ErrCutOff) && !damagedLength(at-starts[block]) {
				t.Fatalf("byte %d, bit %d: %v", at, bit, err)
			}
			mustPayloads(t, payloads, f.payloads[:max(0, block-1)])
		}
	}
}

// damagedLength reports whether a byte of a block is one of its length: a block
// that seems longer than it is may be one that has not arrived.
func damagedLength(inBlock int) bool { return inBlock >= 8 && inBlock < 12 }

func TestOrderIsStrict(t *testing.T) {
	f := mustFile(t, 4, constant)
	renumbered := bytes.Clone(f.block(3))
	renumbered[4] = 2
	for name, test := range map[string]struct {
		blocks [][]byte // behind block 1
		want   error
		reads  int
	}{
		"in order":      {[][]byte{f.block(2), f.block(3), f.block(4)}, ErrCutOff, 4},
		"swapped":       {[][]byte{f.block(3), f.block(2)}, ErrOrder, 1},
		"repeated":      {[][]byte{f.block(2), f.block(2), f.block(3)}, ErrOrder, 2},
		"dropped":       {[][]byte{f.block(3), f.block(4)}, ErrOrder, 1},
		"begun again":   {[][]byte{f.block(1)}, ErrOrder, 1},
		"renumbered":    {[][]byte{renumbered}, ErrForged, 1},
		"of other key":  {[][]byte{f.block(2), mustFile(t, 4, constant).block(3)}, ErrForged, 2},
		"bytes between": {[][]byte{f.block(2), []byte("four"), f.block(3)}, ErrMalformed, 2},
	} {
		r := f.open(slices.Concat(f.head(), f.block(1), slices.Concat(test.blocks...)))
		payloads, err := readAll(r)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		mustPayloads(t, payloads, f.payloads[:test.reads])
		r.Continue(bytes.NewReader(f.block(test.reads))) // changes nothing
		if _, again := r.Next(); test.want != ErrCutOff && again != err {
			t.Errorf("%s: second error %v, want %v for ever", name, again, err)
		}
	}
}

func TestSourceErrorsAreNotFinal(t *testing.T) {
	f := mustFile(t, 4, varying)
	broken := errors.New("line is down")
	r := f.read(io.MultiReader(bytes.NewReader(f.bytes[:f.offsets[2]+5]), iotest.ErrReader(broken)))
	payloads, err := readAll(r)
	if !errors.Is(err, broken) {
		t.Fatalf("err = %v, want the source's", err)
	}
	r.Continue(iotest.OneByteReader(bytes.NewReader(f.bytes[r.Position().Offset:])))
	rest, err := readAll(r)
	if !errors.Is(err, ErrCutOff) {
		t.Fatal(err)
	}
	mustPayloads(t, append(payloads, rest...), f.payloads)
}

// TestRejectedBlockIsNotCounted: what the caller refuses is as if it had not
// opened.
func TestRejectedBlockIsNotCounted(t *testing.T) {
	f := mustFile(t, 4, varying)
	reason := errors.New("not what belongs here")
	r := f.mustOpen(t)
	for range 3 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	err := r.Reject(reason)
	var refused *BlockError
	if !errors.As(err, &refused) || refused.Sequence != 3 || refused.Offset != int64(f.offsets[2]) || refused.Err != reason {
		t.Errorf("Reject = %v", err)
	}
	if r.Position() != (Position{int64(f.offsets[2]), 3}) {
		t.Errorf("Position = %+v", r.Position())
	}
	if _, again := r.Next(); again != err {
		t.Errorf("Next = %v, want %v for ever", again, err)
	}

	r = f.mustOpen(t)
	err = r.Reject(reason) // of block 0
	if _, again := r.Head(); again != err || r.Position() != (Position{}) {
		t.Errorf("Head = %v at %+v", again, r.Position())
	}
}

func TestJumpToEveryByte(t *testing.T) {
	mustFile(t, 6, varying).mustJumpAnywhere(t)
}

// mustJumpAnywhere jumps to every byte behind block 0, and reads from the first block there on.
func (f file) mustJumpAnywhere(t *testing.T) {
	t.Helper()
	for offset := f.offsets[0]; offset < len(f.bytes); offset++ {
		first := 0
		for first < len(f.offsets) && f.offsets[first] < offset {
			first++
		}
		r := f.mustOpen(t)
		r.Jump(bytes.NewReader(f.bytes[offset:]), int64(offset))
		payloads, err := readAll(r)
		if !errors.Is(err, ErrCutOff) {
			t.Fatalf("jump to %d: %v", offset, err)
		}
		mustPayloads(t, payloads, f.payloads[first:])
	}
}

// TestJumpBeforeAMarkerThatSeemsToBeginEarlier: nobody waits for the long block that a misread
// header promises, while the real one is there, whatever the sizes of blocks are.
func TestJumpBeforeAMarkerThatSeemsToBeginEarlier(t *testing.T) {
	const sequence = 70_000
	f := mustFile(t, 1, constant)
	form := NewSealed(f.key, testLayout)
	for _, before := range []int64{100, 8000, 64_000} {
		offset := int64(len(f.head())) + before*(sequence-1)
		for _, length := range []int{TagSize, 100, 600, 8000, 65_536 + 5, MaxBlockSize - HeaderSize} {
			block := form.Append(nil, sequence, make([]byte, length-TagSize))
			for ones := range 4 {
				start := slices.Concat(bytes.Repeat([]byte{0xff}, ones), block)
				r := f.mustOpen(t)
				r.Jump(io.MultiReader(bytes.NewReader(start), iotest.ErrReader(errors.New("the line waits"))), offset-int64(ones))
				if got, err := r.Next(); err != nil || got.Sequence != sequence || got.Offset != offset {
					t.Errorf("%d bytes of ones, length %d behind blocks of %d bytes: block %d, %v", ones, length, before, got.Sequence, err)
				}
			}
		}
	}
}

// TestJumpToBlockZero: a server could put a copy of it anywhere.
func TestJumpToBlockZero(t *testing.T) {
	f := mustFile(t, 4, constant)
	r := f.mustOpen(t)
	r.Jump(bytes.NewReader(slices.Concat(f.head()[len(magic):], f.block(1))), int64(f.offsets[0]))
	if _, err := r.Next(); !errors.Is(err, ErrMalformed) {
		t.Errorf("err = %v, want ErrMalformed", err)
	}
}

// TestResyncPassesDamage: until the caller has what it needs, the next block that
// opens decides the order, and from there on it is strict again.
func TestResyncPassesDamage(t *testing.T) {
	f := mustFile(t, 6, constant)
	damaged := bytes.Clone(f.bytes)
	damaged[f.offsets[2]+40] ^= 1 // block 3
	damaged[f.offsets[4]+40] ^= 1 // block 5
	r := f.mustOpen(t)
	r.Jump(bytes.NewReader(damaged[f.offsets[1]:]), int64(f.offsets[1]))
	if b, err := r.Next(); err != nil || b.Sequence != 2 {
		t.Fatalf("landed on %d, %v", b.Sequence, err)
	}
	r.Resync()
	if b, err := r.Next(); err != nil || b.Sequence != 4 || b.Offset != int64(f.offsets[3]) {
		t.Fatalf("went on at %d, %v", b.Sequence, err)
	}
	if _, err := r.Next(); !errors.Is(err, ErrForged) {
		t.Errorf("err = %v, want ErrForged", err)
	}
}

func FuzzReader(f *testing.F) {
	sound := mustFile(f, 3, varying)
	sound.key = countingKey()
	form := NewSealed(sound.key, testLayout)
	whole := form.Append(nil, 0, testHead)
	for i, payload := range sound.payloads {
		whole = form.Append(whole, uint32(i+1), payload)
	}
	f.Add(whole, uint16(0))
	f.Add(whole, uint16(sound.offsets[1]-7))
	f.Fuzz(func(t *testing.T, b []byte, jump uint16) {
		r := sound.open(b)
		_, err := readAll(r)
		mustBeKnown(t, err)
		for range Scan(bytes.NewReader(b)) {
		}
		r = sound.open(b)
		if _, err := r.Head(); err != nil || int64(jump) < r.FirstBlock() || int(jump) > len(b) {
			return
		}
		r.Jump(bytes.NewReader(b[jump:]), int64(jump))
		_, err = readAll(r)
		mustBeKnown(t, err)
	})
}
