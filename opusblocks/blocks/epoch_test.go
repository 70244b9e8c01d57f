package blocks

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
)

// resumed returns a file that goes on behind the first n blocks of f, with as many new ones.
func (f file) resumed(t testing.TB, n, added int) file {
	t.Helper()
	cut := len(f.bytes)
	if n < len(f.offsets) {
		cut = f.offsets[n]
	}
	again := file{key: f.key, payloads: slices.Clone(f.payloads[:n]), offsets: slices.Clone(f.offsets[:n])}
	out := bytes.NewBuffer(bytes.Clone(f.bytes[:cut]))
	r := again.open(out.Bytes())
	if _, err := readAll(r); !errors.Is(err, ErrCutOff) {
		t.Fatal(err)
	}
	w := ResumeWriter(out, NewSealed(f.key, testLayout), r.Position())
	for range added {
		payload := randomBytes(rand.New(rand.NewPCG(uint64(out.Len()), 1)), 100)
		again.payloads, again.offsets = append(again.payloads, payload), append(again.offsets, out.Len())
		if err := w.Write(payload); err != nil {
			t.Fatal(err)
		}
	}
	again.bytes = out.Bytes()
	return again
}

// mustNotRepeat fails where two different blocks were sealed under one key and nonce.
func mustNotRepeat(t *testing.T, key Key, files ...[]byte) {
	t.Helper()
	type nonce struct {
		key      Key
		sequence uint32
	}
	blocks := map[nonce][]byte{}
	for _, f := range files {
		for b := range Scan(bytes.NewReader(f)) {
			if b.Err != nil {
				t.Fatal(b.Err)
			}
			at := nonce{key.Derive(b.Epoch), b.Header.Sequence}
			body := f[b.Offset+HeaderSize : b.Offset+b.Size]
			if before, used := blocks[at]; used && !bytes.Equal(before, body) {
				t.Fatalf("block %d is sealed twice under one key", b.Header.Sequence)
			}
			blocks[at] = body
		}
	}
}

// TestNothingIsSealedTwice: whoever has a copy of the file can go on with it, in two processes or
// from a backup, once or again and again.
func TestNothingIsSealedTwice(t *testing.T) {
	f := mustFile(t, 12, constant)
	twin := file{key: f.key}
	var out bytes.Buffer
	twin.mustBegin(t, &out) // block 0 says the same, so it may be the same
	files := [][]byte{f.bytes, out.Bytes()}
	for _, at := range []int{0, 5, 5, 11, 12, 12} {
		again := f.resumed(t, at, 12-at+3)
		third := again.resumed(t, at+1, 5)
		files = append(files, again.bytes, third.bytes, again.resumed(t, at, 5).bytes, third.resumed(t, at+2, 5).bytes)
	}
	mustNotRepeat(t, f.key, files...)
}

// TestEpochs: a file with epochs is read from its beginning, and from any byte.
func TestEpochs(t *testing.T) {
	f := mustFile(t, 4, varying)
	first := bytes.Clone(f.bytes)
	f = f.resumed(t, 4, 3).resumed(t, 7, 0).resumed(t, 7, 1).resumed(t, 8, 3)
	if !bytes.HasPrefix(f.bytes, first) {
		t.Error("what was written before has changed")
	}
	payloads, err := readAll(f.open(f.bytes))
	if !errors.Is(err, ErrCutOff) {
		t.Fatal(err)
	}
	mustPayloads(t, payloads, f.payloads)
	f.mustJumpAnywhere(t)
	begins := map[uint32]bool{}
	for b := range Scan(bytes.NewReader(f.bytes)) {
		if b.Err != nil {
			t.Error(b.Err)
		}
		begins[b.Epoch.Begin] = true
	}
	if len(begins) != 4 || !begins[0] || !begins[5] || !begins[8] || !begins[9] {
		t.Errorf("epochs that begin with the blocks %v, want 0, 5, 8 and 9", begins)
	}
}

// TestEpochOfAnotherFuture: a jump sets the epoch, and from there on there is one way only.
func TestEpochOfAnotherFuture(t *testing.T) {
	f := mustFile(t, 4, constant)
	a, b := f.resumed(t, 2, 4), f.resumed(t, 2, 4)
	for name, test := range map[string]struct {
		blocks [][]byte // to which a reader jumps
		want   error
		reads  int
	}{
		"one future":       {[][]byte{a.block(3), a.block(4), a.block(5)}, ErrCutOff, 3},
		"the other":        {[][]byte{b.block(4), b.block(5)}, ErrCutOff, 2},
		"from one to next": {[][]byte{a.block(3), b.block(4)}, ErrOrder, 1},
		"back to the past": {[][]byte{a.block(3), f.block(4)}, ErrOrder, 1},
		"joined late":      {[][]byte{f.block(3), a.block(4)}, ErrOrder, 1},
		"begun":            {[][]byte{f.block(2), a.block(3)}, ErrCutOff, 2},
	} {
		r := f.mustOpen(t)
		r.Jump(bytes.NewReader(slices.Concat(test.blocks...)), int64(f.offsets[1]))
		payloads, err := readAll(r)
		if !errors.Is(err, test.want) || len(payloads) != test.reads {
			t.Errorf("%s: %d blocks, then %v; want %d, %v", name, len(payloads), err, test.reads, test.want)
		}
	}
}

// TestEpochThatIsStillToBegin: only somebody with the key can make such a block.
func TestEpochThatIsStillToBegin(t *testing.T) {
	f := mustFile(t, 4, constant)
	form := NewSealed(f.key, testLayout)
	form.BeginEpoch(9)
	r := f.mustOpen(t)
	r.Jump(bytes.NewReader(form.Append(nil, 3, f.payloads[2])), int64(f.offsets[1]))
	if _, err := r.Next(); !errors.Is(err, ErrOrder) {
		t.Errorf("err = %v, want ErrOrder", err)
	}
}

func TestEpochBlocksHaveALimitToo(t *testing.T) {
	f := mustFile(t, 1, constant)
	var out bytes.Buffer
	w := ResumeWriter(&out, NewSealed(f.key, testLayout), Position{Offset: int64(len(f.bytes)), Sequence: 2})
	largest := MaxBlockSize - HeaderSize - PrefixSize - TagSize
	if err := w.Write(make([]byte, largest+1)); err == nil {
		t.Error("a block was written that no reader accepts")
	}
	if err := w.Write(make([]byte, largest)); err != nil || out.Len() != MaxBlockSize {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
}

// Whatever blocks of several futures of a file a server sends, and in which order: the numbers go on,
// and from one future to another there is no way but the beginning of an epoch.
func FuzzEpochs(f *testing.F) {
	past := mustFile(f, 4, constant)
	a := past.resumed(f, 2, 3)
	futures := []file{past, a, past.resumed(f, 2, 3), a.resumed(f, 4, 2), a.resumed(f, 4, 2)}
	f.Add([]byte{0x01, 0x02, 0x13, 0x34}, false)
	f.Fuzz(func(t *testing.T, order []byte, jump bool) {
		var sent []byte
		for _, b := range order {
			future := futures[int(b>>4)%len(futures)]
			sent = append(sent, future.block(1+int(b&15)%len(future.payloads))...)
		}
		r := past.mustOpen(t)
		if jump {
			r.Jump(bytes.NewReader(sent), r.FirstBlock())
		} else {
			r.Continue(bytes.NewReader(sent))
		}
		mustFollow(t, r, jump)
	})
}

// mustFollow reads until the first error.
func mustFollow(t *testing.T, r *Reader, jumped bool) {
	t.Helper()
	last := Block{}
	for first := true; ; first = false {
		block, err := r.Next()
		if err != nil {
			mustBeKnown(t, err)
			return
		}
		if first && jumped {
			if block.Epoch.Begin > block.Sequence {
				t.Fatalf("block %d is of an epoch that begins with block %d", block.Sequence, block.Epoch.Begin)
			}
		} else if block.Sequence != last.Sequence+1 || block.Epoch != last.Epoch && block.Epoch.Begin != block.Sequence {
			t.Fatalf("block %d of epoch %x came behind block %d of epoch %x", block.Sequence, block.Epoch, last.Sequence, last.Epoch)
		}
		last = block
	}
}

// TestDeriveNeedsAllOfIt: key, iv, place and salt each lead to other keys.
func TestDeriveNeedsAllOfIt(t *testing.T) {
	key, e := countingKey(), Epoch{Begin: 7}
	if key.Derive(Epoch{}) != key {
		t.Error("the key of epoch 0 is not that of the file")
	}
	otherSecret, otherIV, otherRandom := key, key, e
	otherSecret.Secret[31] ^= 1
	otherIV.IV[11] ^= 1
	otherRandom.Random[15] ^= 1
	seen := map[string]bool{}
	for _, derived := range []Key{key, key.Derive(e), otherSecret.Derive(e), otherIV.Derive(e), key.Derive(otherRandom), key.Derive(Epoch{Begin: 8})} {
		seen[fmt.Sprintf("%x", derived.Secret)] = true
		seen[fmt.Sprintf("%x", derived.IV)] = true
	}
	if len(seen) != 12 {
		t.Errorf("%d different keys and ivs, want 12", len(seen))
	}
}

// TestPlacesOfAnEpoch: two resumed files differ in the prefix, and in nothing but it where a reader
// without the key looks.
func TestPlacesOfAnEpoch(t *testing.T) {
	f := mustFile(t, 2, constant)
	block := f.resumed(t, 2, 1).block(3)
	if string(block[16:24]) != "MXCEPOCH" || binary.LittleEndian.Uint32(block[24:]) != 3 || len(block) != 16+28+100+16 {
		t.Errorf("a block of %d bytes begins with %x", len(block), block[:44])
	}
	if w := ResumeWriter(io.Discard, NewSealed(f.key, testLayout), Position{Sequence: 3}); w.Position().Sequence != 3 {
		t.Errorf("Position = %+v", w.Position())
	}
}
