package opusblocks

import (
	"crypto/ed25519"
	"encoding/binary"
	"time"

	"broadcastbot/internal/oggopus"
	"broadcastbot/opusblocks/blocks"
)

// signer is a form in which checkpoints are filled in before their block is sealed.
type signer struct {
	blocks.Form
	key   ed25519.PrivateKey
	now   func() time.Time
	chain chain

	message, digest []byte // scratch
}

// Append implements [blocks.Encoder].
func (s *signer) Append(dst []byte, sequence uint32, pages []byte) []byte {
	if c, end := checkpointOf(pages); c != nil {
		s.fill(c, sequence)
		s.sign(c, pages, end)
		s.chain.restart(c.digest())
	}
	start := len(dst)
	dst = s.Form.Append(dst, sequence, pages)
	s.chain.add(dst[start:])
	return dst
}

// fill fills in all but the signature.
func (s *signer) fill(c rawCheckpoint, sequence uint32) {
	binary.LittleEndian.PutUint32(c[3:7], sequence)
	binary.LittleEndian.PutUint64(c[7:15], uint64(s.now().UnixMilli()))
	s.digest = s.chain.digest(s.digest[:0])
	copy(c.digest(), s.digest)
}

// sign signs pages, in which c ends at byte end, and repairs the checksum of the first one.
func (s *signer) sign(c rawCheckpoint, pages []byte, end int) {
	s.message = appendSigned(s.message[:0], pages, end)
	copy(c.signature(), ed25519.Sign(s.key, s.message))
	size, _ := oggopus.PageSize(pages)
	oggopus.PutChecksum(pages[:size])
}
