package listener

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"time"

	"broadcastbot/internal/opus"
	"broadcastbot/opusblocks"
)

// ErrOtherFile means that a show was read to its end, and is not the one that the link describes.
var ErrOtherFile = errors.New("this is not the recording that was announced: its SHA-256 is another one")

// proof is what is known of a show beyond that its blocks open and follow each other.
type proof struct {
	signed bool // checkpoints are demanded
	hash   fileHash
	want   []byte // SHA-256 of the finished file; nil: not known
	whole  bool   // the file has been read to its end, and is the wanted one

	pending bool // sound was read that the next checkpoint has to prove
}

// note takes a block that was read.
func (p *proof) note(block opusblocks.Block) {
	p.pending = p.signed && block.Checkpoint == nil && (p.pending || len(block.Packets) > 0)
}

// fileHash is the SHA-256 of a file that is read from its beginning. What is read elsewhere, or once
// more, does not count.
type fileHash struct {
	hash hash.Hash
	at   int64 // bytes that it covers
}

func newFileHash(head []byte) fileHash {
	h := fileHash{hash: sha256.New()}
	h.add(0, head)
	return h
}

// add adds what was read at an offset. A fileHash that is zero, as where no hash is wanted, ignores it.
func (h *fileHash) add(offset int64, raw []byte) {
	if h.hash != nil && offset == h.at {
		h.hash.Write(raw)
		h.at += int64(len(raw))
	}
}

// checkEnd compares the file, of which size bytes are before its end. A part of it proves nothing.
func (p *proof) checkEnd(size int64) error {
	if p.want == nil || p.hash.at != size {
		return nil
	}
	if p.whole = bytes.Equal(p.hash.hash.Sum(nil), p.want); !p.whole {
		return ErrOtherFile
	}
	return nil
}

// Signed reports whether the link names a signer: then all that is heard is what the station has
// signed, but for the last seconds, which the next checkpoint proves.
func (p *proof) Signed() bool { return p.signed }

// Whole reports, after io.EOF, whether all of the show was read, and is what the link describes.
func (p *proof) Whole() bool { return p.whole }

// Delay returns how long before now the sound before the next packet was captured, by the station's
// clock: what the last checkpoint says, and the time since then by what was read. What was read since
// then is not proven yet, so it is never less than the delay with which that checkpoint came. ok is
// false where nobody has signed the time, or not since the speaker paused.
func (p *progress) Delay(now time.Time) (delay time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.clock == nil {
		return 0, false
	}
	captured := p.clock.Time.Add(opus.Duration(p.sample) - opus.Duration(p.clock.Sample))
	return max(now.Sub(captured), p.proofDelay), true
}

// noteClock takes the checkpoint from which time is counted now; the caller holds mu.
func (p *progress) noteClock(clock *opusblocks.Checkpoint) {
	if clock != nil && (p.clock == nil || p.clock.Sequence != clock.Sequence) {
		p.proofDelay = time.Since(clock.Time)
	}
	p.clock = clock
}

// clockOf returns the checkpoint from which time is counted; nil: there is none.
func clockOf(r *opusblocks.Reader) *opusblocks.Checkpoint {
	if c, ok := r.Clock(); ok {
		return &c
	}
	return nil
}
