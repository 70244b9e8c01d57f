package opusblocks

import (
	"fmt"

	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/opus"
)

// pageReader reads what pageWriter has laid out, and checks that the pages of one
// block continue those of the block before.
type pageReader struct {
	continuity
	pageBlocks bool // see Form
}

// parsed is what the pages of a block hold.
type parsed struct {
	packets [][]byte
	start   int64
	last    bool
}

// parse reads the payload of a block. Its packets, which alias it, are appended to
// packets. anchored means that page number and time have to be continued; in the
// first block after a jump they are read from the block instead. After an error
// nothing has been counted.
func (p *pageReader) parse(packets [][]byte, payload []byte, anchored bool) (parsed, error) {
	block := parsed{packets: packets, start: p.granule}
	next := p.continuity
	for len(payload) > 0 {
		page, size, err := oggopus.ParsePage(payload)
		if err != nil {
			return parsed{}, fmt.Errorf("%w: not whole Ogg pages: %w", ErrMalformed, err)
		}
		payload = payload[size:]
		samples, err := p.appendPackets(&block, &page)
		if err != nil {
			return parsed{}, err
		}
		if page.Granule == noPacketEnds {
			page.Granule = next.granule
		}
		if !anchored {
			next.anchor(&page, samples)
			block.start, anchored = next.granule, true
		}
		if err := next.follow(&page, samples); err != nil {
			return parsed{}, err
		}
		block.last = page.Last
	}
	p.continuity = next
	return block, nil
}

// appendPackets adds the packets of a page to those of its block and returns how
// many samples they last.
func (p *pageReader) appendPackets(b *parsed, page *oggopus.Page) (samples int64, err error) {
	if b.last || page.First || page.Continued || page.Serial != p.serial {
		return 0, fmt.Errorf("%w: a page that does not belong here", ErrMalformed)
	}
	before := len(b.packets)
	packets, whole := page.Packets(b.packets)
	empty := len(packets) == before
	if !whole || empty != (page.Granule == noPacketEnds) || (empty && !page.Last && !p.pageBlocks) {
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

// anchor sets page number and time so that the page continues them. The start of a
// last page is only a guess: its end may have been trimmed, and then only a reader
// that has seen the page before knows where it begins.
func (c *continuity) anchor(page *oggopus.Page, samples int64) {
	c.page = page.Sequence
	c.granule = page.Granule - samples
	if page.Last {
		c.granule = max(c.granule, 0)
	}
}

// follow checks that a page is the next one, and counts it.
func (c *continuity) follow(page *oggopus.Page, samples int64) error {
	if page.Sequence != c.page {
		return fmt.Errorf("%w: page %d where page %d belongs", ErrOrder, page.Sequence, c.page)
	}
	end := c.granule + samples
	trimmed := page.Last && c.granule <= page.Granule && page.Granule < end
	if page.Granule != end && !trimmed || c.granule < 0 || page.Granule < 0 {
		return fmt.Errorf("%w: the time jumps to sample %d, not %d", ErrMalformed, page.Granule, end)
	}
	c.granule = page.Granule
	c.page++
	return nil
}
