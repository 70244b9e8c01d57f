package blocks

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// testLayout is that of a kind of file which has nothing but the commitment in
// the middle of its head.
var testLayout = HeadLayout{Size: 100, Commitment: 20}

var testHead = []byte(strings.Repeat("h", 20) + Commitment + strings.Repeat("t", 16))

func mustHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// countingKey is the key of the vectors.
func countingKey() (key Key) {
	for i := range key.Secret {
		key.Secret[i] = byte(i)
	}
	for i := range key.IV {
		key.IV[i] = 0xa0 + byte(i)
	}
	return key
}

// file is a sealed file with everything that is known of it.
type file struct {
	key      Key
	bytes    []byte
	payloads [][]byte // of the blocks behind block 0
	offsets  []int    // of these blocks
}

// mustFile writes a file of n blocks behind block 0, of random bytes. size gives
// how many in the next one.
func mustFile(t testing.TB, n int, size func(*rand.Rand) int) file {
	t.Helper()
	f := file{key: NewKey()}
	var out bytes.Buffer
	w := f.mustBegin(t, &out)
	random := rand.New(rand.NewPCG(7, uint64(n)))
	for range n {
		payload := randomBytes(random, size(random))
		f.payloads, f.offsets = append(f.payloads, payload), append(f.offsets, out.Len())
		if err := w.Write(payload); err != nil {
			t.Fatal(err)
		}
	}
	f.bytes = out.Bytes()
	return f
}

func (f file) mustBegin(t testing.TB, w io.Writer) *Writer {
	t.Helper()
	z, err := NewWriter(w, NewSealed(f.key, testLayout), testHead)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// open reads bytes as those of the file.
func (f file) open(b []byte) *Reader { return f.read(bytes.NewReader(b)) }

func (f file) read(r io.Reader) *Reader { return NewReader(r, NewSealed(f.key, testLayout)) }

// mustOpen returns a reader that has read block 0.
func (f file) mustOpen(t testing.TB) *Reader {
	t.Helper()
	r := f.open(f.bytes)
	if head, err := r.Head(); err != nil || !bytes.Equal(head, testHead) {
		t.Fatalf("Head = %q, %v", head, err)
	}
	return r
}

// block returns the bytes of the block with this sequence number, from 1 on.
func (f file) block(sequence int) []byte {
	end := len(f.bytes)
	if sequence < len(f.offsets) {
		end = f.offsets[sequence]
	}
	return f.bytes[f.offsets[sequence-1]:end]
}

// head returns the magic bytes and block 0.
func (f file) head() []byte { return f.bytes[:f.offsets[0]] }

func constant(*rand.Rand) int       { return 100 }
func varying(random *rand.Rand) int { return random.IntN(200) }

func randomBytes(random *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

// readAll reads until the first error and returns all payloads.
func readAll(r *Reader) (payloads [][]byte, err error) {
	for {
		block, err := r.Next()
		if err != nil {
			return payloads, err
		}
		payloads = append(payloads, bytes.Clone(block.Payload))
	}
}

func mustPayloads(t testing.TB, got, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d blocks, want %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("block %d differs", i+1)
		}
	}
}

// mustBeKnown fails unless err is one that FORMAT.md names.
func mustBeKnown(t testing.TB, err error) {
	t.Helper()
	for _, known := range []error{ErrNotBlocks, ErrWrongKey, ErrForged, ErrOrder, ErrMalformed, ErrCutOff} {
		if errors.Is(err, known) {
			return
		}
	}
	t.Fatalf("unknown error %v", err)
}
