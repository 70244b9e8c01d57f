package oggopus

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"
)

// CRC-32/CKSUM of the catalogue's check string, without its final inversion.
func TestChecksumVector(t *testing.T) {
	if got, want := updateCRC(0, []byte("123456789")), ^uint32(0x765e7680); got != want {
		t.Errorf("checksum = %#x, want %#x", got, want)
	}
}

func TestChecksumBitByBit(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for size := range 70 {
		p := randomBytes(random, size)
		var want uint32
		for _, b := range p {
			want ^= uint32(b) << 24
			for range 8 {
				if want>>31 != 0 {
					want = want<<1 ^ polynomial
				} else {
					want <<= 1
				}
			}
		}
		if got := updateCRC(0, p); got != want {
			t.Fatalf("checksum of %d bytes = %#x, want %#x", size, got, want)
		}
	}
}

func TestPageRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, page := range []Page{
		{First: true, Serial: 7, Lacing: []byte{19}, Body: randomBytes(random, 19)},
		{Granule: 48000, Sequence: 1 << 31, Lacing: []byte{255, 3, 0, 80}, Body: randomBytes(random, 338)},
		{Continued: true, Granule: -1, Serial: 1<<32 - 1, Lacing: bytes.Repeat([]byte{255}, 255), Body: randomBytes(random, 255*255)},
		{Last: true, Granule: 1 << 40, Lacing: []byte{}, Body: []byte{}},
	} {
		b := page.Append([]byte("before"))[len("before"):]
		got, size, err := ParsePage(append(b, "OggS after"...))
		if err != nil || size != len(b) || !reflect.DeepEqual(got, page) {
			t.Errorf("ParsePage = %+v, %d, %v; want %+v, %d", got, size, err, page, len(b))
		}
	}
}

func TestParsePageRefuses(t *testing.T) {
	page := Page{Granule: 960, Lacing: []byte{255, 45}, Body: bytes.Repeat([]byte{0xA5}, 300)}
	whole := page.Append(nil)
	for size := range whole {
		if _, _, err := ParsePage(whole[:size]); !errors.Is(err, ErrShort) {
			t.Fatalf("page cut after %d bytes: %v, want ErrShort", size, err)
		}
	}
	for bit := range len(whole) * 8 {
		b := bytes.Clone(whole)
		b[bit/8] ^= 1 << (bit % 8)
		if _, _, err := ParsePage(b); err == nil {
			t.Fatalf("page with bit %d turned over is accepted", bit)
		}
	}
	for _, b := range []string{"Ogg3", "x", "OggS\x01"} {
		if _, _, err := ParsePage([]byte(b)); !errors.Is(err, ErrNotPage) {
			t.Errorf("ParsePage(%q) = %v, want ErrNotPage", b, err)
		}
	}
	whole[40] ^= 1
	if _, _, err := ParsePage(whole); !errors.Is(err, ErrChecksum) {
		t.Errorf("altered page: %v, want ErrChecksum", err)
	}
}

func TestPackets(t *testing.T) {
	for _, test := range []struct {
		name   string
		lacing []byte
		sizes  []int
		whole  bool
	}{
		{"empty page", nil, nil, true},
		{"packets of all kinds", []byte{80, 0, 255, 0, 255, 255, 1}, []int{80, 0, 255, 511}, true},
		{"to be continued", []byte{10, 255, 255}, []int{10, 510}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			page := Page{Lacing: test.lacing, Body: bytes.Repeat([]byte("opus"), 300)}
			packets, whole := page.Packets(nil)
			var sizes []int
			for _, packet := range packets {
				sizes = append(sizes, len(packet))
			}
			if !reflect.DeepEqual(sizes, test.sizes) || whole != test.whole {
				t.Errorf("Packets = sizes %v, whole %v; want %v, %v", sizes, whole, test.sizes, test.whole)
			}
		})
	}
}

func TestAppendLacing(t *testing.T) {
	for size, want := range map[int][]byte{0: {9, 0}, 80: {9, 80}, 255: {9, 255, 0}, 511: {9, 255, 255, 1}} {
		if got := AppendLacing([]byte{9}, size); !bytes.Equal(got, want) {
			t.Errorf("AppendLacing(%d) = %v, want %v", size, got, want)
		}
	}
}

func TestPageDoesNotAllocate(t *testing.T) {
	page := Page{Lacing: []byte{80, 80, 80}, Body: make([]byte, 240)}
	b := make([]byte, 0, maxPageSize)
	packets := make([][]byte, 0, 3)
	allocations := testing.AllocsPerRun(100, func() {
		b = page.Append(b[:0])
		parsed, _, err := ParsePage(b)
		if err != nil {
			t.Fatal(err)
		}
		packets, _ = parsed.Packets(packets[:0])
	})
	if allocations != 0 || len(packets) != 3 {
		t.Errorf("%v allocations, %d packets; want 0, 3", allocations, len(packets))
	}
}

func randomBytes(random *rand.Rand, size int) []byte {
	p := make([]byte, size)
	for i := range p {
		p[i] = byte(random.Uint32())
	}
	return p
}
