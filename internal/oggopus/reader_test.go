package oggopus

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// toc begins packets of 20 ms, hybrid, mono.
const toc = 15 << 3

func TestReaderRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		packets := randomPackets(random, random.IntN(120))
		stream := layOut(random, 9, packets)
		r := NewReader(bytes.NewReader(stream))
		got := mustReadAll(t, r)
		mustEqualPackets(t, got, packets)
		for i, packet := range got {
			want := Packet{Data: packet.Data, Samples: 960, Granule: int64(i+1) * 960, First: i == 0}
			if !reflect.DeepEqual(packet, want) {
				t.Fatalf("packet %d = %+v, want %+v", i, packet, want)
			}
		}
		if r.Head() != testHead || r.Tags().Get("title") != "Test" {
			t.Fatalf("head %+v, tags %+v", r.Head(), r.Tags())
		}
		if r.Stats() != (Stats{}) || r.EndTrim() != 0 || r.Truncated() {
			t.Fatalf("stats %+v, end trim %d, truncated %v", r.Stats(), r.EndTrim(), r.Truncated())
		}
	}
}

func TestReaderByteByByte(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	packets := randomPackets(random, 100)
	stream := layOut(random, 9, packets)
	for _, r := range []io.Reader{
		iotest.OneByteReader(bytes.NewReader(stream)), iotest.DataErrReader(bytes.NewReader(stream)),
	} {
		mustEqualPackets(t, mustReadAll(t, NewReader(r)), packets)
	}
}

func TestReaderHead(t *testing.T) {
	w := newPageWriter(4)
	w.headers(testHead)
	for _, stream := range [][]byte{w.out, w.out[:47]} { // with and without tags
		r := NewReader(bytes.NewReader(stream))
		if err := r.ReadHead(); err != nil || r.Head() != testHead {
			t.Errorf("ReadHead: %v, head %+v; want %+v", err, r.Head(), testHead)
		}
		if _, err := r.ReadPacket(); err != io.EOF || !r.Truncated() || r.EndTrim() != 0 {
			t.Errorf("header-only stream: %v, truncated %v, end trim %d", err, r.Truncated(), r.EndTrim())
		}
	}
}

// A live stream gives out its packets when their page is there, not later.
func TestReaderLive(t *testing.T) {
	w := newPageWriter(4)
	w.headers(testHead)
	w.page(960, []byte{toc, 1})
	r := NewReader(io.MultiReader(bytes.NewReader(w.out), iotest.ErrReader(errors.New("would block"))))
	if err := r.ReadHead(); err != nil {
		t.Fatal(err)
	}
	packet, err := r.ReadPacket()
	if err != nil || !bytes.Equal(packet.Data, []byte{toc, 1}) {
		t.Fatalf("ReadPacket = %+v, %v", packet, err)
	}
	if _, err := r.ReadPacket(); err == nil || !strings.Contains(err.Error(), "would block") {
		t.Errorf("ReadPacket = %v, want the reader's own error", err)
	}
}

func TestReaderGoesOnAfterTimeout(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 9))
	packets := randomPackets(random, 60)
	r := NewReader(iotest.TimeoutReader(bytes.NewReader(layOut(random, 9, packets))))
	var got []Packet
	timeouts := 0
	for {
		packet, err := r.ReadPacket()
		if errors.Is(err, iotest.ErrTimeout) {
			timeouts++
			continue
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, packet)
	}
	mustEqualPackets(t, got, packets)
	if timeouts != 1 {
		t.Errorf("%d timeouts, want 1", timeouts)
	}
}

func TestReaderChain(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 9))
	first, second := randomPackets(random, 30), randomPackets(random, 70)
	for _, serial := range []uint32{5, 6} { // as with "cat a a" and "cat a b"
		stream := append(layOut(random, 5, first), layOut(random, serial, second)...)
		got := mustReadAll(t, NewReader(bytes.NewReader(stream)))
		mustEqualPackets(t, got, append(first[:30:30], second...))
		for i, packet := range got {
			if packet.First != (i == 0 || i == 30) {
				t.Errorf("packet %d: First = %v", i, packet.First)
			}
		}
		if got[29].Granule != 30*960 || got[30].Granule != 960 {
			t.Errorf("granules %d, %d around the border", got[29].Granule, got[30].Granule)
		}
	}
}

func TestReaderHeadChanges(t *testing.T) {
	a, b := newPageWriter(1), newPageWriter(2)
	a.headers(testHead)
	a.page(960, []byte{toc, 1})
	stereo := Head{Channels: 2, PreSkip: 3840}
	b.headers(stereo)
	b.page(960, []byte{toc | 4, 2})
	r := NewReader(bytes.NewReader(append(a.out, b.out...)))
	for i, want := range []Head{testHead, stereo} {
		packet, err := r.ReadPacket()
		if err != nil || !packet.First || r.Head() != want {
			t.Errorf("packet %d: %v, First %v, head %+v; want %+v", i, err, packet.First, r.Head(), want)
		}
	}
}

func TestReaderIgnoresOtherStreams(t *testing.T) {
	w, other, second := newPageWriter(1), newPageWriter(2), newPageWriter(3)
	theora := Page{First: true, Lacing: []byte{7}, Body: []byte("\x80theora")}
	var stream []byte
	stream = append(stream, other.append(theora)...)
	w.headers(testHead)
	second.headers(Head{Channels: 2})
	stream = append(append(stream, w.out[:47]...), second.out[:47]...) // the pages that begin come first
	stream = append(append(stream, w.out[47:]...), second.out[47:]...)
	w.out, second.out = nil, nil
	for i := range byte(5) {
		w.page(int64(i+1)*960, []byte{toc, i})
		second.page(int64(i+1)*960, []byte{toc | 4, i})
		stream = append(stream, other.append(Page{Granule: 5, Lacing: []byte{3}, Body: []byte("foo")})...)
	}
	stream = append(append(stream, second.out...), w.out...)
	r := NewReader(bytes.NewReader(stream))
	got := mustReadAll(t, r)
	mustEqualPackets(t, got, [][]byte{{toc, 0}, {toc, 1}, {toc, 2}, {toc, 3}, {toc, 4}})
	if r.Stats() != (Stats{}) || r.Head() != testHead {
		t.Errorf("stats %+v, head %+v", r.Stats(), r.Head())
	}
}

func mustReadAll(t *testing.T, r *Reader) []Packet {
	t.Helper()
	packets, err := readAll(r)
	if err != io.EOF {
		t.Fatalf("after %d packets: %v", len(packets), err)
	}
	return packets
}

func mustEqualPackets(t *testing.T, got []Packet, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d packets, want %d", len(got), len(want))
	}
	for i, packet := range got {
		if !bytes.Equal(packet.Data, want[i]) {
			t.Fatalf("packet %d has %d bytes %.20x, want %d bytes %.20x", i, len(packet.Data), packet.Data, len(want[i]), want[i])
		}
	}
}
