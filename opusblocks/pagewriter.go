package opusblocks

import (
	"fmt"

	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/opus"
)

// pageWriter lays packets out as Ogg pages, and the pages as payloads of blocks.
type pageWriter struct {
	continuity
	pageBlocks bool // see Form
	signed     bool // there are checkpoints

	prove        bool   // what is being laid out has to have a checkpoint
	first        []byte // packet of a block, if it was changed
	lacing, body []byte // of the page that is being filled

	// What was laid out last.
	pages    []byte
	sizes    []int // of the pages of each block
	payloads [][]byte
}

// layOut makes pages of packets: one page, or more where one has not enough lacing
// values. Without packets it makes the end, or a sign of life. Checkpoints are still to
// be filled in. After an error nothing has been counted.
func (p *pageWriter) layOut(packets [][]byte, last bool, endTrim int) error {
	p.lacing, p.body = p.lacing[:0], p.body[:0]
	p.pages, p.sizes, p.payloads = p.pages[:0], p.sizes[:0], p.payloads[:0]
	if packets, endTrim = dropTrimmed(packets, endTrim); p.signed && last && len(packets) == 0 {
		packets, endTrim = silentEnd, silentSamples
	}
	next := p.continuity
	p.prove = last || opus.PacketsDuration(packets) > maxUnproven
	for _, packet := range packets {
		if err := p.add(packet, &next); err != nil {
			return err
		}
	}
	if sound := next.granule - p.granule; endTrim < 0 || int64(endTrim) > sound {
		return fmt.Errorf("an end trim of %d samples does not fit into the last %d", endTrim, sound)
	}
	next.granule -= int64(endTrim)
	if len(packets) > 0 || last || p.pageBlocks {
		p.finishPage(&next, last)
	} else {
		p.sizes = append(p.sizes, 0) // a sign of life
	}
	if len(packets) == 0 {
		next.due = next.granule // the sound behind a pause has to say what time it is
	}
	p.continuity = next
	p.cutPayloads()
	return nil
}

// silentEnd is what stands in the end of a signed file, for its checkpoint, where there is no sound
// left. It is trimmed away.
var silentEnd = [][]byte{{0xE0, 0xFF, 0xFE}}

const silentSamples = 120

// dropTrimmed drops packets of which nothing is to be heard, except for one: on the last page there
// has to be all that is trimmed, and it may not have room for so much.
func dropTrimmed(packets [][]byte, endTrim int) (kept [][]byte, trim int) {
	for len(packets) > 1 {
		samples, err := opus.PacketDuration(packets[len(packets)-1])
		if err != nil || samples > endTrim {
			break
		}
		packets, endTrim = packets[:len(packets)-1], endTrim-samples
	}
	return packets, endTrim
}

// add puts a packet on the page, or on the next one when it has no room.
func (p *pageWriter) add(packet []byte, next *continuity) error {
	samples, err := opus.PacketDuration(packet)
	if err != nil {
		return fmt.Errorf("not an Opus packet: %w", err)
	}
	if len(p.lacing) > 0 && len(p.lacing)+segments(packet) > maxSegments {
		p.finishPage(next, false)
	}
	if p.signed && len(p.lacing) == 0 && (p.pageBlocks || len(p.pages) == 0) {
		packet = p.beginBlock(packet, next)
	}
	if segments(packet) > maxSegments {
		return fmt.Errorf("an Opus packet of %d bytes does not fit on an Ogg page", len(packet))
	}
	p.lacing = oggopus.AppendLacing(p.lacing, len(packet))
	p.body = append(p.body, packet...)
	next.granule += int64(samples)
	return nil
}

// segments returns how many lacing values a packet needs.
func segments(packet []byte) int { return len(packet)/255 + 1 }

// beginBlock returns the first packet of a block with room for a checkpoint, if the block has to have
// one, and else without what would be taken for one.
func (p *pageWriter) beginBlock(packet []byte, next *continuity) []byte {
	switch {
	case p.prove || next.granule >= next.due:
		next.due = next.granule + CheckpointInterval
		p.first = appendWithCheckpoint(p.first[:0], packet)
	case checkpointIn(packet) != nil:
		p.first = appendPadded(p.first[:0], packet, len(packet))
	default:
		return packet
	}
	return p.first
}

// finishPage appends the page that was filled to the block to which it belongs.
func (p *pageWriter) finishPage(next *continuity, last bool) {
	page := oggopus.Page{
		Last: last, Granule: next.granule, Serial: next.serial, Sequence: next.page,
		Lacing: p.lacing, Body: p.body,
	}
	if len(p.lacing) == 0 {
		page.Granule = noPacketEnds
	}
	before := len(p.pages)
	p.pages = page.Append(p.pages)
	if p.pageBlocks || len(p.sizes) == 0 {
		p.sizes = append(p.sizes, 0)
	}
	p.sizes[len(p.sizes)-1] += len(p.pages) - before
	p.lacing, p.body = p.lacing[:0], p.body[:0]
	next.page++
}

// cutPayloads divides the pages into those of each block.
func (p *pageWriter) cutPayloads() {
	rest := p.pages
	for _, size := range p.sizes {
		p.payloads = append(p.payloads, rest[:size])
		rest = rest[size:]
	}
}
