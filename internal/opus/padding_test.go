package opus

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

func TestPadding(t *testing.T) {
	many := func(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }
	for _, test := range []struct {
		name                      string
		packet, padding, unpadded []byte // no unpadded packet: ErrBadPacket
	}{
		{"one frame", []byte{0x78, 1, 2}, nil, []byte{0x78, 1, 2}},
		{"a frame of no bytes", []byte{0x78}, nil, []byte{0x78}},
		{"one frame, code 3", []byte{0x7b, 0x01, 1, 2}, nil, []byte{0x78, 1, 2}},
		{"padded", []byte{0x7b, 0x41, 2, 1, 2, 8, 9}, []byte{8, 9}, []byte{0x78, 1, 2}},
		{"padding of no bytes", []byte{0x7b, 0x41, 0, 1, 2}, []byte{}, []byte{0x78, 1, 2}},
		{"all of it is padding", []byte{0x7b, 0x41, 2, 8, 9}, []byte{8, 9}, []byte{0x78}},
		{"254 bytes", slices.Concat([]byte{0x7b, 0x41, 254, 1}, many(9, 254)), many(9, 254), []byte{0x78, 1}},
		{"254 bytes in two lengths", slices.Concat([]byte{0x7b, 0x41, 255, 0, 1}, many(9, 254)), many(9, 254), []byte{0x78, 1}},
		{"255 bytes", slices.Concat([]byte{0x7b, 0x41, 255, 1, 1}, many(9, 255)), many(9, 255), []byte{0x78, 1}},
		{"two equal frames", []byte{0x7b, 0x42, 1, 1, 2, 0}, []byte{0}, []byte{0x79, 1, 2}},
		{"two frames", []byte{0x7b, 0xc2, 1, 1, 2, 3, 0}, []byte{0}, []byte{0x7a, 1, 2, 3}},
		{"three frames", []byte{0x7b, 0x43, 1, 1, 2, 3, 0}, []byte{0}, []byte{0x7b, 0x03, 1, 2, 3}},
		{"one frame, called VBR", []byte{0x7b, 0xc1, 1, 5, 0}, []byte{0}, []byte{0x7b, 0x81, 5}},
		{"longer than the packet", []byte{0x7b, 0x41, 3, 8, 9}, nil, nil},
		{"no length", []byte{0x7b, 0x41}, nil, nil},
		{"half a length", []byte{0x7b, 0x41, 255}, nil, nil},
		{"no frames", []byte{0x7b, 0x40, 0}, nil, nil},
		{"empty", nil, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Padding(test.packet); !bytes.Equal(got, test.padding) {
				t.Errorf("Padding = %x, want %x", got, test.padding)
			}
			if IsWhole(test.packet) != (test.unpadded != nil) {
				t.Error("IsWhole is wrong")
			}
			got, err := Unpad(nil, test.packet)
			if !bytes.Equal(got, test.unpadded) || errors.Is(err, ErrBadPacket) != (test.unpadded == nil) {
				t.Errorf("Unpad = %x, %v; want %x", got, err, test.unpadded)
			}
		})
	}
}

// TestPadTo: padded packets have the size that was asked for and sound as they did.
func TestPadTo(t *testing.T) {
	packets := mustEncode(t, EncoderOptions{Channels: 1, Bitrate: 32000, Complexity: 5, Application: VoIP, VBR: true}, tone(300, 0.5, SampleRate/2))
	largest := 0
	for _, packet := range packets {
		largest = max(largest, len(packet))
	}
	for _, size := range []int{largest, largest + 1, largest + 2, largest + 255, largest + 256, largest + 257, largest + 258, 1200} {
		var padded [][]byte
		for _, packet := range packets {
			p, err := PadTo(nil, packet, size)
			if err == nil {
				p, err = PadTo(nil, p, size) // what is padded already
			}
			if err != nil || len(p) != size {
				t.Fatalf("%d bytes padded to %d: %d, %v", len(packet), size, len(p), err)
			}
			if back, err := Unpad(nil, p); !bytes.Equal(back, packet) {
				t.Fatalf("%x was %x, %v", back, packet, err)
			}
			padded = append(padded, p)
		}
		if !slices.Equal(mustDecode(t, 1, 0, padded), mustDecode(t, 1, 0, packets)) {
			t.Errorf("packets of %d bytes sound otherwise", size)
		}
	}
	if _, err := PadTo(nil, packets[0], len(packets[0])-1); err == nil {
		t.Error("a packet was padded to less than it has")
	}
}

// Whatever a packet is, padding changes neither its duration nor its frames.
func FuzzPadding(f *testing.F) {
	f.Add([]byte{0x78, 1, 2}, uint16(300))
	f.Fuzz(func(t *testing.T, packet []byte, size uint16) {
		short, err := Unpad(nil, packet)
		if err != nil {
			if !errors.Is(err, ErrBadPacket) || len(Padding(packet)) > 0 {
				t.Fatalf("%x: %v, padding %x", packet, err, Padding(packet))
			}
			return
		}
		if len(short) > len(packet) || len(Padding(short)) > 0 {
			t.Fatalf("%x was made of %x", short, packet)
		}
		padded, err := PadTo(nil, packet, int(size))
		if err != nil {
			if int(size) >= len(short)+2 {
				t.Fatalf("%x: %v", packet, err)
			}
			return
		}
		if len(padded) != int(size) || len(bytes.Trim(Padding(padded), "\x00")) > 0 {
			t.Fatalf("%x was made of %x", padded, packet)
		}
		if back, err := Unpad(nil, padded); !bytes.Equal(back, short) {
			t.Fatalf("%x was %x, %v", back, short, err)
		}
		before, err := PacketDuration(packet)
		if after, again := PacketDuration(padded); after != before || (again == nil) != (err == nil) {
			t.Fatalf("%d samples were %d: %v, %v", after, before, again, err)
		}
	})
}
