package opusblocks

import (
	"fmt"

	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/opus"
)

const sampleRate = opus.SampleRate

// maxSegments is how many lacing values a page has room for (RFC 3533, 6).
const maxSegments = 255

// firstPage is the number of the page behind the two header pages.
const firstPage = 2

// noPacketEnds is the granule position of a page on which no packet ends (RFC
// 3533, 6): of an end without sound.
const noPacketEnds = -1

// pager lays packets out as Ogg pages and counts what has to be continuous.
type pager struct {
	serial   uint32
	sequence uint32 // of the next page
	granule  int64  // samples at 48 kHz up to here, pre-skip included

	// pageBlocks says that every page is a block, as in a plain file: then a sign
	// of life is a page too, one without packets.
	pageBlocks bool

	lacing, body []byte // of the page that is being filled
	laid         []laid // what the pages appended last hold, block by block
}

// laid is what the pages of one block hold.
type laid struct {
	size    int   // bytes
	packets int   // how many
	end     int64 // of their sound: samples at 48 kHz, pre-skip included
}

// appendPages appends packets as whole pages: one, unless their lacing values
// need more. Without packets it is one empty page: an end, or a sign of life.
func (p *pager) appendPages(dst []byte, packets [][]byte, last bool, endTrim int) ([]byte, error) {
	p.lacing, p.body, p.laid = p.lacing[:0], p.body[:0], p.laid[:0]
	granule, sequence := p.granule, p.sequence // taken over when all packets are known to be good
	start, onPage := granule, 0
	for _, packet := range packets {
		samples, err := opus.PacketDuration(packet)
		if err != nil {
			return nil, fmt.Errorf("not an Opus packet: %w", err)
		}
		segments := len(packet)/255 + 1
		if segments > maxSegments {
			return nil, fmt.Errorf("an Opus packet of %d bytes does not fit on an Ogg page", len(packet))
		}
		if len(p.lacing)+segments > maxSegments {
			dst = p.flush(dst, onPage, granule, sequence, false)
			sequence++
			onPage = 0
		}
		p.lacing = oggopus.AppendLacing(p.lacing, len(packet))
		p.body = append(p.body, packet...)
		granule += int64(samples)
		onPage++
	}
	if endTrim < 0 || int64(endTrim) > granule-start {
		return nil, fmt.Errorf("an end trim of %d samples does not fit into the last %d", endTrim, granule-start)
	}
	granule -= int64(endTrim)
	p.granule, p.sequence = granule, sequence+1
	return p.flush(dst, onPage, granule, sequence, last), nil
}

// flush appends the page that was filled so far, with so many packets, and notes
// what the block that it belongs to holds.
func (p *pager) flush(dst []byte, packets int, end int64, sequence uint32, last bool) []byte {
	page := oggopus.Page{
		Last: last, Granule: end, Serial: p.serial, Sequence: sequence,
		Lacing: p.lacing, Body: p.body,
	}
	if packets == 0 {
		page.Granule = noPacketEnds
	}
	before := len(dst)
	dst = page.Append(dst)
	p.lacing, p.body = p.lacing[:0], p.body[:0]
	if p.pageBlocks || len(p.laid) == 0 {
		p.laid = append(p.laid, laid{})
	}
	block := &p.laid[len(p.laid)-1]
	block.size += len(dst) - before
	block.packets += packets
	block.end = end
	return dst
}

// isSign reports whether the pages of a block are a sign of life.
func (p *pager) isSign(pages []byte) bool {
	if !p.pageBlocks {
		return len(pages) == 0
	}
	page, _, err := oggopus.ParsePage(pages)
	return err == nil && len(page.Lacing) == 0 && !page.Last
}

// parsed is what the pages of one block say.
type parsed struct {
	packets [][]byte
	start   int64
	last    bool
}

// parsePages reads what appendPages wrote; the packets alias plaintext and are
// appended to packets. anchored says that the pager's counts have to be
// continued; otherwise, in the first block after a jump, they are taken from
// the block itself.
func (p *pager) parsePages(packets [][]byte, plaintext []byte, anchored bool) (parsed, error) {
	block := parsed{packets: packets, start: p.granule}
	for len(plaintext) > 0 {
		page, size, err := oggopus.ParsePage(plaintext)
		if err != nil {
			return parsed{}, fmt.Errorf("%w: not whole Ogg pages: %w", ErrMalformed, err)
		}
		plaintext = plaintext[size:]
		if block.last || page.First || page.Continued || page.Serial != p.serial {
			return parsed{}, fmt.Errorf("%w: a page that does not belong here", ErrMalformed)
		}
		samples, err := block.appendPackets(&page, p.pageBlocks)
		if err != nil {
			return parsed{}, err
		}
		if page.Granule == noPacketEnds {
			page.Granule = p.granule
		}
		if !anchored {
			p.anchor(&page, samples)
			block.start, anchored = p.granule, true
		}
		if err := p.follow(&page, samples); err != nil {
			return parsed{}, err
		}
		block.last = page.Last
	}
	return block, nil
}

// appendPackets takes over the packets of a page and returns how many samples
// they last. mayBeEmpty is about pages that are not the last.
func (b *parsed) appendPackets(page *oggopus.Page, mayBeEmpty bool) (samples int64, err error) {
	before := len(b.packets)
	packets, whole := page.Packets(b.packets)
	empty := len(packets) == before
	if !whole || empty != (page.Granule == noPacketEnds) || (empty && !page.Last && !mayBeEmpty) {
		return 0, fmt.Errorf("%w: a page without whole packets", ErrMalformed)
	}
	for _, packet := range packets[before:] {
		n, err := opus.PacketDuration(packet)
		if err != nil {
			return 0, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		samples += int64(n)
	}
	b.packets = packets
	return samples, nil
}

// anchor takes the counts before a page from the page. The last page may end
// earlier than its packets; its start is then only known to the reader who has
// seen the page before.
func (p *pager) anchor(page *oggopus.Page, samples int64) {
	p.sequence = page.Sequence
	p.granule = page.Granule - samples
	if page.Last {
		p.granule = max(p.granule, 0)
	}
}

// follow checks that a page continues the counts, and counts it.
func (p *pager) follow(page *oggopus.Page, samples int64) error {
	if page.Sequence != p.sequence {
		return fmt.Errorf("%w: page %d where page %d belongs", ErrOrder, page.Sequence, p.sequence)
	}
	end := p.granule + samples
	trimmed := page.Last && p.granule <= page.Granule && page.Granule < end
	if page.Granule != end && !trimmed || p.granule < 0 {
		return fmt.Errorf("%w: the time jumps to sample %d, not %d", ErrMalformed, page.Granule, end)
	}
	p.granule = page.Granule
	p.sequence++
	return nil
}
