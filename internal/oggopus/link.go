package oggopus

import (
	"bytes"

	"broadcastbot/internal/opus"
)

// maxPacketSize is more than 120 ms of Opus can need, in bytes.
const maxPacketSize = 64 << 10

// maxGranule is a granule position that no stream reaches: 186 years. One beyond says nothing.
const maxGranule = 1 << 48

// link is one logical Opus stream; a chain has several, one after the other.
type link struct {
	head     Head
	tags     Tags
	tagged   bool // the comment header has been read, or was lost
	serial   uint32
	sequence uint32 // of the next page
	begun    bool   // a packet was returned
	ended    bool   // the page with the end mark was seen
	position int64  // samples up to here; -1: not known yet
	endTrim  int    // samples of the last page that are not sound

	pieces     [][]byte // of a page; scratch
	unfinished []byte   // beginning of a packet that the next page continues, at most maxPacketSize+1 bytes
	waiting    bool     // for the rest of unfinished
}

// newLink begins a link with its first page, which holds the head.
func newLink(head Head, page *Page) *link {
	return &link{head: head, serial: page.Serial, sequence: page.Sequence + 1, ended: page.Last, position: -1}
}

// readPage returns the packets that end on the page, in the memory of packets.
// Their data is valid as long as the page is.
func (l *link) readPage(page *Page, packets []Packet, stats *Stats) []Packet {
	packets = packets[:0]
	if page.Sequence != l.sequence {
		stats.SequenceGaps++
		l.waiting = false
	}
	l.sequence = page.Sequence + 1
	l.ended = page.Last
	var sum int64
	for _, data := range l.join(page) {
		if l.readTags(data) {
			continue
		}
		samples, err := opus.PacketDuration(data)
		if err != nil || len(data) > maxPacketSize {
			stats.BadPackets++
			continue
		}
		packets = append(packets, Packet{Data: data, Samples: samples})
		sum += int64(samples)
	}
	l.place(packets, page, sum, stats)
	return packets
}

// readTags reads the comment header, and reports whether data is one. Of broken
// tags it keeps those before the fault: a wrong title is no reason to refuse a show.
func (l *link) readTags(data []byte) bool {
	if l.tagged {
		return false
	}
	l.tagged = true
	if !bytes.HasPrefix(data, []byte(tagsMagic)) {
		return false // the page with the tags was lost
	}
	l.tags, _ = ParseTags(data)
	return true
}

// join returns the packets that end on the page and keeps the beginning of the
// one that does not. A packet of which a piece was lost is left out.
func (l *link) join(page *Page) [][]byte {
	pieces, whole := page.Packets(l.pieces[:0])
	l.pieces = pieces
	switch {
	case page.Continued && len(pieces) > 0:
		l.extend(pieces[0])
		if len(pieces) == 1 && !whole {
			return nil
		}
		if pieces[0] = l.unfinished; !l.waiting {
			pieces = pieces[1:]
		}
		l.waiting = false
	case !page.Continued:
		l.waiting = false
	}
	if !whole {
		last := len(pieces) - 1
		l.unfinished, l.waiting = bytes.Clone(pieces[last]), true
		pieces = pieces[:last]
	}
	return pieces
}

// extend adds a piece to the unfinished packet, up to a little more than
// maxPacketSize.
func (l *link) extend(piece []byte) {
	if l.waiting {
		room := maxPacketSize + 1 - len(l.unfinished)
		l.unfinished = append(l.unfinished, piece[:min(len(piece), room)]...)
	}
}

// place sets where in the stream each packet of a page ends. sum is how many
// samples they have together.
func (l *link) place(packets []Packet, page *Page, sum int64, stats *Stats) {
	if len(packets) == 0 {
		return
	}
	packets[0].First, l.begun = !l.begun, true
	granule := page.Granule
	if granule > maxGranule {
		granule = -1
	}
	start := l.start(granule, sum, page.Last)
	if start < 0 {
		for i := range packets {
			packets[i].Granule = -1
		}
		return
	}
	if l.position >= 0 {
		stats.LostSamples = min(stats.LostSamples+max(start-l.position, 0), maxGranule)
	}
	l.position = start + sum
	end := l.position
	if page.Last && granule >= 0 {
		end = min(end, max(granule, start))
	}
	l.endTrim = int(l.position - end)
	for i := range packets {
		p := &packets[i]
		start += int64(p.Samples)
		p.Granule = min(start, end)
		p.Trim = int(min(max(start-p.Granule, 0), int64(p.Samples)))
	}
}

// start returns where the sound of a page begins, or -1 when that is not known. It
// is computed from the granule position, except on a last page whose end is
// trimmed: there the granule position is smaller (RFC 7845, 4.4).
func (l *link) start(granule, sum int64, last bool) int64 {
	switch {
	case granule < 0:
		return l.position
	case last && l.position >= 0 && granule < l.position+sum:
		return l.position
	}
	return max(granule-sum, 0)
}
