package opusblocks

import (
	"broadcastbot/internal/opus"
	"broadcastbot/opusblocks/blocks"
)

const sampleRate = opus.SampleRate

// maxSegments is how many lacing values a page has room for (RFC 3533, 6).
const maxSegments = 255

// firstPage is the number of the page behind the two header pages.
const firstPage = 2

// noPacketEnds is the granule position of a page on which no packet ends (RFC
// 3533, 6): of a sign of life, or of an end without sound.
const noPacketEnds = -1

// continuity is what the next page has to continue.
type continuity struct {
	serial  uint32 // of the Ogg stream
	page    uint32 // number of the next page
	granule int64  // samples at 48 kHz up to here, pre-skip included
	due     int64  // a writer of checkpoints puts one into the next block that begins at this sample or later
}

// Position is a place between two blocks, with all that has to be continued there.
type Position struct {
	Offset   int64  // bytes of the file before this place
	Sequence uint32 // of the next block
	Samples  int64  // at 48 kHz before this place, pre-skip included
	Serial   uint32 // of the Ogg stream
	Page     uint32 // number of the next Ogg page
}

func position(at blocks.Position, c continuity) Position {
	return Position{Offset: at.Offset, Sequence: at.Sequence, Samples: c.granule, Serial: c.serial, Page: c.page}
}

// Block is a block and what it holds. Its packets are valid until the next call of
// the reader. A block without packets that is not the last is a sign of life.
type Block struct {
	Sequence uint32
	Offset   int64    // of its first byte in the file
	Size     int      // in the file, header and tag included
	Start    int64    // samples at 48 kHz before its first packet, pre-skip included
	End      int64    // after its last packet, less the end trim of the last block
	Packets  [][]byte // Opus packets (RFC 6716)
	Last     bool     // the authenticated end of the show
	Raw      []byte   // the block as it stands in the file, valid as long as Packets

	// Checkpoint is the one that stands in the block and was proven, or nil: see
	// Form.SignedBy.
	Checkpoint *Checkpoint

	extra int // bytes that there are only because of a checkpoint
}

// isSign reports whether the block is a sign of life.
func (b Block) isSign() bool { return len(b.Packets) == 0 && !b.Last }
