package opusblocks

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"time"

	"broadcastbot/opusblocks/blocks"
)

// verifier checks that the station has signed what is read.
type verifier struct {
	signer ed25519.PublicKey
	chain  chain
	// linked means that the digest of the next checkpoint is known: all that it covers
	// was read.
	linked bool
	due    int64       // from this sample on, or in the end, there has to be a checkpoint
	last   *Checkpoint // the latest one that was proven; nil: none since the beginning, or the jump
	paused bool        // there was a sign of life since then

	message, digest []byte // scratch
}

// notDue is when a checkpoint is due behind a jump, until a block with sound says what time it is.
const notDue = -1

// begin starts at the beginning of a file. head is the bytes before block 1.
func (v *verifier) begin(head []byte) {
	v.chain, v.linked, v.due, v.last = newChain(), true, 0, nil
	v.chain.add(head)
}

// jump goes on anywhere else.
func (v *verifier) jump() { v.linked, v.due, v.last = false, notDue, nil }

// isDue reports whether a block has to have a checkpoint.
func (v *verifier) isDue(b *Block) bool {
	return b.Last || len(b.Packets) > 0 && (b.Start >= v.due || b.End-b.Start > maxUnproven)
}

// check checks a block and fills in its checkpoint.
func (v *verifier) check(raw blocks.Block, block *Block) error {
	c, end := checkpointOf(raw.Payload)
	v.expect(raw, block)
	switch {
	case c != nil:
		if err := v.prove(c, raw, end); err != nil {
			return err
		}
		v.chain.restart(c.digest())
		v.linked, v.due = true, block.Start+CheckpointInterval
		v.last = &Checkpoint{Sequence: raw.Sequence, Sample: block.End, Time: time.UnixMilli(c.millis())}
		block.Checkpoint = v.last
		v.paused = false
	case v.isDue(block):
		return fmt.Errorf("%w: it has no checkpoint", ErrCheckpoint)
	}
	v.paused = v.paused || block.isSign()
	if v.linked {
		v.chain.add(raw.Raw)
	}
	return nil
}

// expect finds out when the next checkpoint is due: at once where an epoch begins.
func (v *verifier) expect(raw blocks.Block, block *Block) {
	if v.due == notDue && len(block.Packets) > 0 {
		v.due = block.Start + CheckpointInterval
	}
	if begin := raw.Epoch.Begin; begin > 0 && begin == raw.Sequence {
		v.due = 0
	}
}

// prove checks what a checkpoint says that ends there in its block.
func (v *verifier) prove(c rawCheckpoint, raw blocks.Block, end int) error {
	if c.sequence() != raw.Sequence {
		return fmt.Errorf("%w: its checkpoint is that of block %d", ErrCheckpoint, c.sequence())
	}
	v.digest = v.chain.digest(v.digest[:0])
	if v.linked && !bytes.Equal(c.digest(), v.digest) {
		return fmt.Errorf("%w: other blocks came before", ErrCheckpoint)
	}
	v.message = appendSigned(v.message[:0], raw.Payload, end)
	if len(v.signer) != ed25519.PublicKeySize || !ed25519.Verify(v.signer, v.message, c.signature()) {
		return fmt.Errorf("%w: its signature is wrong", ErrCheckpoint)
	}
	return nil
}
