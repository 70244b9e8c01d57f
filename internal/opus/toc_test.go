package opus

import (
	"errors"
	"testing"
)

func TestPacketDuration(t *testing.T) {
	for _, test := range []struct {
		name   string
		packet []byte
		want   int // 0: ErrBadPacket
	}{
		{"SILK NB 10 ms", []byte{0 << 3}, 480},
		{"SILK MB 40 ms", []byte{6 << 3}, 1920},
		{"SILK WB 60 ms", []byte{11 << 3, 1, 2}, 2880},
		{"hybrid SWB 10 ms", []byte{12 << 3}, 480},
		{"hybrid FB 20 ms", []byte{15 << 3}, 960},
		{"CELT NB 2.5 ms", []byte{16 << 3}, 120},
		{"CELT SWB 5 ms", []byte{25 << 3}, 240},
		{"CELT FB 20 ms stereo", []byte{31<<3 | 4}, 960},
		{"two equal frames", []byte{31<<3 | 1, 0, 0}, 1920},
		{"two frames of 60 ms", []byte{11<<3 | 2, 0, 0}, 5760},
		{"six frames of 20 ms", []byte{15<<3 | 3, 6}, 5760},
		{"48 frames of 2.5 ms, VBR and padding", []byte{16<<3 | 3, 0xC0 | 48}, 5760},
		{"49 frames of 2.5 ms", []byte{16<<3 | 3, 49}, 0},
		{"three frames of 60 ms", []byte{3<<3 | 3, 3}, 0},
		{"no frames", []byte{15<<3 | 3, 0xC0}, 0},
		{"no count", []byte{15<<3 | 3}, 0},
		{"empty", nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := PacketDuration(test.packet)
			if got != test.want || errors.Is(err, ErrBadPacket) != (test.want == 0) {
				t.Errorf("PacketDuration(%x) = %d, %v; want %d", test.packet, got, err, test.want)
			}
		})
	}
}
