package oggopus

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

const tagsMagic = "OpusTags"

var errTagsEndEarly = fmt.Errorf("%w: %s ends early", ErrMalformed, tagsMagic)

// Tags is the comment header of a stream (RFC 7845, 5.2).
type Tags struct {
	Vendor   string   // the program that wrote the stream
	Comments []string // "NAME=value"; names may repeat
}

// ParseTags reads the second packet of a stream. Bytes behind the comments are
// padding and ignored. With an error it returns the tags before the fault.
func ParseTags(packet []byte) (Tags, error) {
	rest, ok := bytes.CutPrefix(packet, []byte(tagsMagic))
	if !ok {
		return Tags{}, fmt.Errorf("%w: no %s", ErrMalformed, tagsMagic)
	}
	var tags Tags
	var err error
	if tags.Vendor, rest, err = cutString(rest); err != nil {
		return tags, err
	}
	if len(rest) < 4 {
		return tags, errTagsEndEarly
	}
	count, rest := binary.LittleEndian.Uint32(rest), rest[4:]
	for range count { // a wrong count soon runs into the end of the packet
		var comment string
		if comment, rest, err = cutString(rest); err != nil {
			return tags, err
		}
		tags.Comments = append(tags.Comments, comment)
	}
	return tags, nil
}

// cutString reads a string, with its length before it, at the beginning of b.
func cutString(b []byte) (s string, rest []byte, err error) {
	if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
		return "", nil, errTagsEndEarly
	}
	end := 4 + int(binary.LittleEndian.Uint32(b))
	return string(b[4:end]), b[end:], nil
}

// Append appends the packet, without padding, to dst.
func (t Tags) Append(dst []byte) []byte {
	dst = append(dst, tagsMagic...)
	dst = appendString(dst, t.Vendor)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(t.Comments)))
	for _, comment := range t.Comments {
		dst = appendString(dst, comment)
	}
	return dst
}

func appendString(dst []byte, s string) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(s)))
	return append(dst, s...)
}

// Get returns the value of the first comment with this name, in any case of
// letters, or "".
func (t Tags) Get(name string) string {
	for _, comment := range t.Comments {
		if key, value, ok := strings.Cut(comment, "="); ok && strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}
