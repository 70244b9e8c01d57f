// Package oggopus reads and writes Opus packets in Ogg pages: RFC 3533 and
// RFC 7845, mono and stereo.
//
// [Reader] and [Writer] work with packets. [Page], [Head] and [Tags] are for those
// who lay out pages themselves.
package oggopus

import (
	"bytes"
	"encoding/binary"
	"errors"
)

var (
	// ErrShort means that the bytes end inside the page.
	ErrShort = errors.New("the Ogg page is cut off")
	// ErrNotPage means that no Ogg page begins here.
	ErrNotPage = errors.New("not an Ogg page")
	// ErrChecksum means that the page was altered, or is no page at all.
	ErrChecksum = errors.New("the checksum of the Ogg page is wrong")
)

// ChecksumOffset is where in a page its checksum stands, which has 4 bytes.
const ChecksumOffset = 22

const (
	maxSegments    = 255 // lacing values of a page
	pageHeaderSize = 27  // without the lacing values
	maxPageSize    = pageHeaderSize + maxSegments + maxSegments*255

	flagContinued = 1
	flagFirst     = 2
	flagLast      = 4
)

var capturePattern = []byte("OggS")

// Page is one page of an Ogg stream (RFC 3533, 6).
type Page struct {
	Continued bool   // the body begins with the rest of a packet from the page before
	First     bool   // the stream begins
	Last      bool   // the stream ends
	Granule   int64  // 48 kHz samples, pre-skip included, up to the end of the last packet that ends here; -1: none does
	Serial    uint32 // says which stream the page belongs to
	Sequence  uint32 // counts the pages of the stream
	Lacing    []byte // the segment table: at most 255 values, their sum is the size of Body
	Body      []byte
}

// ParsePage reads the page at the beginning of b and returns its size in
// bytes. Lacing and Body alias b. The error is [ErrShort] when more bytes are
// needed, else [ErrNotPage] or [ErrChecksum].
func ParsePage(b []byte) (page Page, size int, err error) {
	size, err = pageSize(b)
	if err != nil {
		return Page{}, 0, err
	}
	if len(b) < size {
		return Page{}, 0, ErrShort
	}
	if binary.LittleEndian.Uint32(b[ChecksumOffset:]) != pageCRC(b[:size]) {
		return Page{}, 0, ErrChecksum
	}
	body := pageHeaderSize + int(b[26])
	return Page{
		Continued: b[5]&flagContinued != 0,
		First:     b[5]&flagFirst != 0,
		Last:      b[5]&flagLast != 0,
		Granule:   int64(binary.LittleEndian.Uint64(b[6:])),
		Serial:    binary.LittleEndian.Uint32(b[14:]),
		Sequence:  binary.LittleEndian.Uint32(b[18:]),
		Lacing:    b[pageHeaderSize:body:body],
		Body:      b[body:size:size],
	}, size, nil
}

// PageSize returns how many bytes the page at the beginning of b has. A result
// above len(b) means that at least that many bytes are needed to know the size. The
// error is [ErrNotPage].
func PageSize(b []byte) (int, error) {
	size, err := pageSize(b)
	if err == ErrShort {
		return size, nil
	}
	return size, err
}

// PageSequence returns the sequence number in the header of a whole page.
func PageSequence(page []byte) uint32 { return binary.LittleEndian.Uint32(page[18:]) }

// FirstPacket returns where in a whole page its first packet stands. The two are equal where no
// packet ends on the page.
func FirstPacket(page []byte) (start, end int) {
	start = pageHeaderSize + int(page[26])
	end = start
	for _, n := range page[pageHeaderSize:start] {
		end += int(n)
		if n < 255 {
			return start, end
		}
	}
	return start, start
}

// PutChecksum gives a whole page whose content was changed the right checksum.
func PutChecksum(page []byte) {
	binary.LittleEndian.PutUint32(page[ChecksumOffset:], pageCRC(page))
}

// pageSize returns the size that the page at the beginning of b has by its header
// or, with ErrShort, how many bytes are needed to know more.
func pageSize(b []byte) (int, error) {
	known := min(len(b), len(capturePattern))
	if !bytes.Equal(b[:known], capturePattern[:known]) {
		return 0, ErrNotPage
	}
	if len(b) > 4 && b[4] != 0 { // version
		return 0, ErrNotPage
	}
	if len(b) < pageHeaderSize {
		return pageHeaderSize, ErrShort
	}
	size := pageHeaderSize + int(b[26])
	if len(b) < size {
		return size, ErrShort
	}
	for _, n := range b[pageHeaderSize:size] {
		size += int(n)
	}
	return size, nil
}

// Append appends the page, with its checksum, to dst.
func (p *Page) Append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, capturePattern...)
	dst = append(dst, 0, p.flags())
	dst = binary.LittleEndian.AppendUint64(dst, uint64(p.Granule))
	dst = binary.LittleEndian.AppendUint32(dst, p.Serial)
	dst = binary.LittleEndian.AppendUint32(dst, p.Sequence)
	dst = append(dst, 0, 0, 0, 0, byte(len(p.Lacing)))
	dst = append(dst, p.Lacing...)
	dst = append(dst, p.Body...)
	PutChecksum(dst[start:])
	return dst
}

func (p *Page) flags() (flags byte) {
	if p.Continued {
		flags |= flagContinued
	}
	if p.First {
		flags |= flagFirst
	}
	if p.Last {
		flags |= flagLast
	}
	return flags
}

// AppendLacing appends the lacing values of a packet of packetSize bytes:
// packetSize/255 + 1 of them.
func AppendLacing(dst []byte, packetSize int) []byte {
	for ; packetSize >= 255; packetSize -= 255 {
		dst = append(dst, 255)
	}
	return append(dst, byte(packetSize))
}

// Packets splits the body of the page into packets, which alias it, and appends
// them to dst. If the page is Continued, the first is only the rest of a packet. If
// whole is false, the last is only the beginning of one.
func (p *Page) Packets(dst [][]byte) (packets [][]byte, whole bool) {
	start, end := 0, 0
	whole = true
	for _, n := range p.Lacing {
		end += int(n)
		whole = n < 255
		if whole {
			dst = append(dst, p.Body[start:end:end])
			start = end
		}
	}
	if !whole {
		dst = append(dst, p.Body[start:end:end])
	}
	return dst, whole
}
