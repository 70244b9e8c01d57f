package opusblocks

import (
	"crypto/ed25519"
	"encoding/binary"
	"time"

	"broadcastbot/internal/oggopus"
	"broadcastbot/opusblocks/blocks"
)

// signingForm is a form in which checkpoints are filled in before their block is sealed.
type signingForm struct {
	blocks.Form
	key   ed25519.PrivateKey
	now   func() time.Time
	chain chain

	message, digest []byte // scratch
}

// Append implements [blocks.Encoder].
func (f *signingForm) Append(dst []byte, sequence uint32, pages []byte) []byte {
	if c, end := checkpointOf(pages); c != nil {
		f.fill(c, sequence)
		f.sign(c, pages, end)
		f.chain.restart(c.digest())
	}
	start := len(dst)
	dst = f.Form.Append(dst, sequence, pages)
	f.chain.add(dst[start:])
	return dst
}

// fill fills in all but the signature.
func (f *signingForm) fill(c rawCheckpoint, sequence uint32) {
	binary.LittleEndian.PutUint32(c[3:7], sequence)
	binary.LittleEndian.PutUint64(c[7:15], uint64(f.now().UnixMilli()))
	f.digest = f.chain.digest(f.digest[:0])
	copy(c.digest(), f.digest)
}

// sign signs pages, in which c ends at byte end, and repairs the checksum of the first one.
func (f *signingForm) sign(c rawCheckpoint, pages []byte, end int) {
	f.message = appendSigned(f.message[:0], pages, end)
	copy(c.signature(), ed25519.Sign(f.key, f.message))
	size, _ := oggopus.PageSize(pages)
	oggopus.PutChecksum(pages[:size])
}
