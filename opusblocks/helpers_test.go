package opusblocks

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"
)

func mustHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var testHead = Head{
	Channels: 1, PreSkip: 312, Title: "Town hall", Speaker: "@alice:example.org",
	Started: time.UnixMilli(1795425442479).UTC(),
}

// testPacket returns a packet of 20 ms (hybrid fullband mono) with that size.
func testPacket(random *rand.Rand, size int) []byte {
	p := make([]byte, size)
	for i := range p {
		p[i] = byte(random.Uint32())
	}
	p[0] = 0x78
	return p
}

// show is a finished file with everything that is known of it.
type show struct {
	key     Key
	plain   bool // there is no key
	file    []byte
	blocks  []Block // without the head; offsets and times are the writer's
	packets [][]byte
}

// mustShow writes a file of n blocks of five packets and an end. size gives
// the size of the next packet.
func mustShow(t testing.TB, n int, size func(*rand.Rand) int) show {
	t.Helper()
	return mustMake(t, show{key: NewKey()}, n, size)
}

// mustPlainShow writes one that is not encrypted.
func mustPlainShow(t testing.TB, n int, size func(*rand.Rand) int) show {
	t.Helper()
	return mustMake(t, show{plain: true}, n, size)
}

func mustMake(t testing.TB, s show, n int, size func(*rand.Rand) int) show {
	t.Helper()
	random := rand.New(rand.NewPCG(7, uint64(n)))
	var file bytes.Buffer
	w, err := s.begin(&file)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		packets := make([][]byte, 5)
		for i := range packets {
			packets[i] = testPacket(random, size(random))
		}
		before := w.Position()
		if err := w.WriteBlock(packets); err != nil {
			t.Fatal(err)
		}
		s.blocks = append(s.blocks, Block{
			Sequence: before.Sequence, Offset: before.Offset,
			Start: before.Samples, End: w.Position().Samples,
		})
		s.packets = append(s.packets, packets...)
	}
	if err := w.Finish(nil, 0); err != nil {
		t.Fatal(err)
	}
	s.file = file.Bytes()
	return s
}

func (s show) begin(w io.Writer) (*Writer, error) {
	if s.plain {
		return NewPlainWriter(w, testHead)
	}
	return NewWriter(w, s.key, testHead)
}

func (s show) resume(w io.Writer, at Position) *Writer {
	if s.plain {
		return ResumePlainWriter(w, at)
	}
	return ResumeWriter(w, s.key, at)
}

// open reads bytes as those of the show's file.
func (s show) open(file []byte) *Reader {
	if s.plain {
		return NewPlainReader(bytes.NewReader(file))
	}
	return NewReader(bytes.NewReader(file), s.key)
}

func constant(*rand.Rand) int       { return 80 }
func varying(random *rand.Rand) int { return 20 + random.IntN(200) }

func mustPackets(t testing.TB, got, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d packets, want %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("packet %d differs", i)
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
