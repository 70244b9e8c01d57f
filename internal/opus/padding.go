package opus

import "fmt"

// body is what stands between the head of a packet and its padding: the lengths of its frames, where
// they are needed, and the frames.
type body struct {
	config  byte // the first byte of the packet, less its code
	frames  byte // 1 to 63
	vbr     bool // the frames have lengths of their own
	bytes   []byte
	padding []byte
}

// parseBody takes a packet apart (RFC 6716 3.2). It does not look into the frames, so what it accepts
// may still be undecodable.
func parseBody(packet []byte) (body, error) {
	frames, err := frameCount(packet)
	if err != nil {
		return body{}, err
	}
	b := body{config: packet[0] &^ 3, frames: byte(frames), vbr: packet[0]&3 == 2, bytes: packet[1:]}
	if packet[0]&3 != 3 {
		return b, nil
	}
	b.vbr, b.bytes = packet[1]&0x80 != 0, packet[2:]
	if packet[1]&0x40 != 0 {
		err = b.cutPadding()
	}
	return b, err
}

// cutPadding takes the padding from behind the frames. Its length stands before them: 255 means 254
// bytes and a further length (RFC 6716 3.2.5).
func (b *body) cutPadding() error {
	size := 0
	for {
		if len(b.bytes) == 0 {
			return fmt.Errorf("%w: the length of its padding is missing", ErrBadPacket)
		}
		length := int(b.bytes[0])
		b.bytes = b.bytes[1:]
		if length < 255 {
			size += length
			break
		}
		size += 254
	}
	if size > len(b.bytes) {
		return fmt.Errorf("%w: its padding is longer than the packet", ErrBadPacket)
	}
	end := len(b.bytes) - size
	b.bytes, b.padding = b.bytes[:end], b.bytes[end:]
	return nil
}

// append appends the packet to dst with this much room for padding, the lengths of it included. Those
// are written, the padding behind them is zero.
func (b body) append(dst []byte, room int) []byte {
	count := b.frames
	if b.vbr {
		count |= 0x80
	}
	if room > 0 {
		count |= 0x40
	}
	dst = append(dst, b.config|3, count)
	rest := room
	for ; rest > 255; rest -= 255 {
		dst = append(dst, 255)
	}
	if room > 0 {
		dst = append(dst, byte(rest-1))
	}
	dst = append(dst, b.bytes...)
	return append(dst, make([]byte, paddingSize(room))...)
}

// paddingSize returns how many bytes of padding there are in so much room, lengths included.
func paddingSize(room int) int { return room - (room+254)/255 }

// Padding returns the padding of a packet, which decoders skip (RFC 6716 3.2.5). It aliases the
// packet, and is empty where there is none.
func Padding(packet []byte) []byte {
	b, err := parseBody(packet)
	if err != nil {
		return nil
	}
	return b.padding
}

// IsWhole reports whether a packet can be taken apart and padded.
func IsWhole(packet []byte) bool {
	_, err := parseBody(packet)
	return err == nil
}

// Unpad appends the packet to dst without padding and with the shortest head. Its frames stay as
// they are.
func Unpad(dst, packet []byte) ([]byte, error) {
	b, err := parseBody(packet)
	if err != nil {
		return dst, err
	}
	switch {
	case b.frames == 1 && !b.vbr:
		dst = append(dst, b.config)
	case b.frames == 2 && !b.vbr:
		dst = append(dst, b.config|1)
	case b.frames == 2:
		dst = append(dst, b.config|2)
	default:
		return b.append(dst, 0), nil
	}
	return append(dst, b.bytes...), nil
}

// PadTo appends the packet to dst, padded to size bytes with zeros in place of the padding that it
// has. A packet that is too long without it is refused.
func PadTo(dst, packet []byte, size int) ([]byte, error) {
	b, err := parseBody(packet)
	if err != nil {
		return dst, err
	}
	if len(packet) == size && len(b.padding) == 0 {
		return append(dst, packet...), nil
	}
	room := size - 2 - len(b.bytes)
	if room < 0 {
		return dst, fmt.Errorf("an Opus packet of %d bytes cannot be padded to %d", len(packet), size)
	}
	return b.append(dst, room), nil
}
