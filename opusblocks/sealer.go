package opusblocks

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
)

// nonceSize is 16 where GCM usually has 12: LE32(sequence) and the iv. GCM
// hashes such a nonce to its first counter block (SP 800-38D, 7.1).
const nonceSize = 16

// sealer turns plaintexts into blocks and back. It knows nothing of what they
// contain. The nonce and the additional data are a function of the sequence
// number alone: sealing a number twice breaks the cipher, which is why only
// Writer, which counts, may seal.
type sealer struct {
	aead  cipher.AEAD
	nonce [nonceSize]byte
	aad   [4]byte
}

func newSealer(key Key) *sealer {
	block, err := aes.NewCipher(key.Secret[:])
	if err != nil {
		panic("opusblocks: AES refuses a 32 byte key: " + err.Error())
	}
	aead, err := cipher.NewGCMWithNonceSize(block, nonceSize)
	if err != nil {
		panic("opusblocks: GCM refuses a 16 byte nonce (is GODEBUG=fips140=only set?): " + err.Error())
	}
	s := &sealer{aead: aead}
	copy(s.nonce[4:], key.IV[:])
	return s
}

func (s *sealer) number(sequence uint32) {
	binary.LittleEndian.PutUint32(s.nonce[:4], sequence)
	binary.LittleEndian.PutUint32(s.aad[:], sequence)
}

// seal turns block, which has HeaderSize free bytes before its plaintext, into
// a sealed block without a checksum. It grows block by the tag.
func (s *sealer) seal(block []byte, sequence uint32) []byte {
	s.number(sequence)
	plaintext := block[HeaderSize:]
	putHeader(block, sequence, uint32(len(plaintext)+TagSize))
	return s.aead.Seal(block[:HeaderSize], s.nonce[:], plaintext, s.aad[:])
}

// unseal appends the plaintext of a whole block to dst, which must not overlap it.
func (s *sealer) unseal(dst, block []byte) ([]byte, error) {
	s.number(rawHeader(block).sequence())
	return s.aead.Open(dst, s.nonce[:], block[HeaderSize:], s.aad[:])
}
