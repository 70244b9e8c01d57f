package opusblocks

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"broadcastbot/internal/opus"
)

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
	plain   bool               // there is no key
	station ed25519.PrivateKey // nil: not signed
	file    []byte
	blocks  []Block // without the head; offsets and times are the writer's
	packets [][]byte
}

// eachForm runs a test for a sealed show and for a plain one, signed or not, which are still
// empty.
func eachForm(t *testing.T, test func(t *testing.T, s show)) {
	t.Helper()
	t.Run("sealed", func(t *testing.T) { test(t, show{key: NewKey()}) })
	t.Run("plain", func(t *testing.T) { test(t, show{plain: true}) })
	eachSigned(t, test)
}

// eachSigned is eachForm for signed shows only.
func eachSigned(t *testing.T, test func(t *testing.T, s show)) {
	t.Helper()
	t.Run("signed", func(t *testing.T) { test(t, show{key: NewKey(), station: newStation()}) })
	t.Run("signed plain", func(t *testing.T) { test(t, show{plain: true, station: newStation()}) })
}

func newStation() ed25519.PrivateKey {
	_, key, _ := ed25519.GenerateKey(nil)
	return key
}

// testClock is the clock of all stations.
func testClock() time.Time { return testHead.Started.Add(time.Hour) }

// mustShow writes a sealed file of n blocks.
func mustShow(t testing.TB, n int, size func(*rand.Rand) int) show {
	t.Helper()
	return show{key: NewKey()}.mustWrite(t, n, size)
}

// mustWrite returns the show with a file of n blocks of five packets and an end.
// size gives the size of the next packet.
func (s show) mustWrite(t testing.TB, n int, size func(*rand.Rand) int) show {
	t.Helper()
	random := rand.New(rand.NewPCG(7, uint64(n)))
	var file bytes.Buffer
	w := s.mustBegin(t, &file)
	for range n {
		s.mustAdd(t, w, random, size)
	}
	if err := w.Finish(nil, 0); err != nil {
		t.Fatal(err)
	}
	s.file = file.Bytes()
	return s
}

// mustAdd adds a block of five packets.
func (s *show) mustAdd(t testing.TB, w *Writer, random *rand.Rand, size func(*rand.Rand) int) {
	t.Helper()
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

func (s show) mustBegin(t testing.TB, w io.Writer) *Writer {
	t.Helper()
	z, err := s.form().NewWriter(w, testHead)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func (s show) form() Form {
	form := Sealed(s.key)
	if s.plain {
		form = Plain()
	}
	if s.station == nil {
		return form
	}
	return form.Signing(s.station, testClock)
}

// open reads bytes as those of the show's file.
func (s show) open(file []byte) *Reader { return s.form().NewReader(bytes.NewReader(file)) }

func constant(*rand.Rand) int       { return 80 }
func varying(random *rand.Rand) int { return 20 + random.IntN(200) }

var sizes = map[string]func(*rand.Rand) int{"constant": constant, "varying": varying}

func mustPackets(t testing.TB, got, want [][]byte) {
	t.Helper()
	if last := len(got) - 1; last >= 0 && bytes.Equal(unpadded(got[last]), silentEnd[0]) {
		got = got[:last] // of the end of a signed file
	}
	if len(got) != len(want) {
		t.Fatalf("%d packets, want %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(unpadded(got[i]), unpadded(want[i])) {
			t.Fatalf("packet %d differs", i)
		}
	}
}

// mustBeKnown fails unless err is one that FORMAT.md names.
func mustBeKnown(t testing.TB, err error) {
	t.Helper()
	for _, known := range []error{ErrNotBlocks, ErrWrongKey, ErrForged, ErrOrder, ErrMalformed, ErrCheckpoint, ErrCutOff} {
		if errors.Is(err, known) {
			return
		}
	}
	t.Fatalf("unknown error %v", err)
}

// unpadded returns a packet without what a checkpoint adds to it.
func unpadded(packet []byte) []byte {
	short, err := opus.Unpad(nil, packet)
	if err != nil {
		return packet
	}
	return short
}
