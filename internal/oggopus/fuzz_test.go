package oggopus

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"broadcastbot/internal/opus"
)

// Whatever bytes a Reader gets, and in whatever portions, it comes to an end and
// returns nothing but Opus.
func FuzzReader(f *testing.F) {
	stream, _, _ := fivePages()
	f.Add(stream, true)
	f.Add(beyondTime(), false)
	f.Fuzz(func(t *testing.T, b []byte, repaired bool) {
		if repaired {
			repair(b)
		}
		r := NewReader(bytes.NewReader(b))
		packets, err := readAll(r)
		if err != io.EOF && !errors.Is(err, ErrNotOpus) && !errors.Is(err, ErrMapping) && !errors.Is(err, ErrMalformed) {
			t.Fatalf("unknown error %v", err)
		}
		size := 0
		for _, packet := range packets {
			samples, err := opus.PacketDuration(packet.Data)
			if err != nil || samples != packet.Samples || packet.Granule < -1 ||
				packet.Trim < 0 || packet.Trim > packet.Samples {
				t.Fatalf("packet %+v: %d samples, %v", packet, samples, err)
			}
			size += len(packet.Data)
		}
		if size > len(b) || r.EndTrim() < 0 || r.Stats().LostSamples < 0 || r.Stats().SkippedBytes > int64(len(b)) {
			t.Fatalf("%d bytes of packets out of %d, end trim %d, %+v", size, len(b), r.EndTrim(), r.Stats())
		}
		slow := NewReader(iotest.HalfReader(bytes.NewReader(b)))
		again, _ := readAll(slow)
		if len(again) != len(packets) || slow.Stats() != r.Stats() {
			t.Fatalf("in small portions: %d packets, %+v; want %d, %+v", len(again), slow.Stats(), len(packets), r.Stats())
		}
	})
}

// Append writes a page that ParsePage has accepted as it was.
func FuzzParsePage(f *testing.F) {
	page := Page{Continued: true, Granule: -1, Lacing: []byte{3, 255}, Body: make([]byte, 258)}
	f.Add(page.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		repair(b)
		page, size, err := ParsePage(b)
		if err != nil {
			if size != 0 || !errors.Is(err, ErrShort) && !errors.Is(err, ErrNotPage) && !errors.Is(err, ErrChecksum) {
				t.Fatalf("size %d, error %v", size, err)
			}
			return
		}
		if again := page.Append(nil); !bytes.Equal(again, b[:size]) {
			t.Fatalf("Append = %x, want %x", again, b[:size])
		}
		packets, _ := page.Packets(nil)
		if joined := bytes.Join(packets, nil); !bytes.Equal(joined, page.Body) {
			t.Fatalf("packets %x, body %x", joined, page.Body)
		}
	})
}

// Tags that were accepted are written as they were read.
func FuzzParseTags(f *testing.F) {
	f.Add([]byte(exampleTags))
	f.Fuzz(func(t *testing.T, b []byte) {
		tags, err := ParseTags(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("unknown error %v", err)
			}
			return
		}
		if again := tags.Append(nil); !bytes.HasPrefix(b, again) {
			t.Fatalf("Append = %q, want the beginning of %q", again, b)
		}
	})
}

// repair gives all that looks like a page a right checksum, which fuzzing would
// never find, and no unknown flags.
func repair(b []byte) {
	for len(b) > 0 {
		size, err := pageSize(b)
		if err != nil || size > len(b) {
			b = b[1:]
			continue
		}
		b[5] &= flagContinued | flagFirst | flagLast
		PutChecksum(b[:size])
		b = b[size:]
	}
}

func readAll(r *Reader) (packets []Packet, err error) {
	for {
		packet, err := r.ReadPacket()
		if err != nil {
			return packets, err
		}
		packets = append(packets, packet)
	}
}
