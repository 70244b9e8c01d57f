package blocks

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
)

// Sizes of an epoch prefix and of its parts, in bytes.
const (
	PrefixSize = len(prefixMagic) + 4 + randomSize

	prefixMagic = "MXCEPOCH"
	randomSize  = 16
	epochInfo   = "org.broadcastbot.epoch.v1"
)

// Epoch names the blocks that are sealed under one derived key. A file begins in the zero epoch,
// whose key is that of the file. Whoever goes on with a file begins a further one, because somebody
// who had a copy of the file may have gone on from the same place: see FORMAT.md, "Epochs".
type Epoch struct {
	Begin  uint32 // sequence number of its first block
	Random [randomSize]byte
}

// newEpoch returns an epoch that nobody else has begun.
func newEpoch(begin uint32) Epoch {
	e := Epoch{Begin: begin}
	rand.Read(e.Random[:])
	return e
}

// follows reports whether a block with this number may be in the epoch, where the block before it
// was in another one or the same.
func (e Epoch) follows(before Epoch, sequence uint32) bool {
	return e == before || e.Begin == sequence
}

// appendPrefix appends what a block of the epoch has between header and ciphertext.
func (e Epoch) appendPrefix(dst []byte) []byte {
	if e.Begin == 0 {
		return dst
	}
	dst = append(dst, prefixMagic...)
	dst = binary.LittleEndian.AppendUint32(dst, e.Begin)
	return append(dst, e.Random[:]...)
}

// prefixSize returns how long the prefix is.
func (e Epoch) prefixSize() int {
	if e.Begin == 0 {
		return 0
	}
	return PrefixSize
}

// epochOf reads the prefix of a body, which is what stands behind a block's header. It is the zero
// epoch where there is none.
func epochOf(body []byte) (e Epoch) {
	if len(body) < PrefixSize+TagSize || string(body[:len(prefixMagic)]) != prefixMagic {
		return e
	}
	body = body[len(prefixMagic):]
	if begin := binary.LittleEndian.Uint32(body); begin > 0 {
		e.Begin = begin
		copy(e.Random[:], body[4:])
	}
	return e
}

// Derive returns the key of an epoch: HKDF-SHA256 (RFC 5869) of the key of the file.
func (k Key) Derive(e Epoch) (derived Key) {
	if e == (Epoch{}) {
		return k
	}
	salt := append(binary.LittleEndian.AppendUint32(nil, e.Begin), e.Random[:]...)
	keys, err := hkdf.Key(sha256.New, append(k.Secret[:], k.IV[:]...), salt, epochInfo, len(k.Secret)+len(k.IV))
	if err != nil {
		panic("blocks: HKDF refuses to make 44 bytes: " + err.Error())
	}
	copy(derived.Secret[:], keys)
	copy(derived.IV[:], keys[len(k.Secret):])
	return derived
}
