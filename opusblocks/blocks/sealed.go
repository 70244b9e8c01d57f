package blocks

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// nonceSize is 16 where GCM usually has 12: LE32(sequence) and the iv. GCM
// hashes such a nonce to its first counter block (SP 800-38D, 7.1).
const nonceSize = 16

// CommitmentSize is how many bytes commit to the key, see [Commitment].
const CommitmentSize = 64

// Commitment is in the payload of every block 0, so that only one key opens the
// file: two keys that open the same block 0 would have to agree in 64 bytes of
// keystream.
var Commitment = strings.Repeat("0", CommitmentSize)

// HeadLayout is what the payload of block 0 has in common in all files of one
// kind.
type HeadLayout struct {
	Size       int // of the payload in bytes
	Commitment int // where in it Commitment begins
}

// Sealed is the form of encrypted files: magic bytes, then blocks of header,
// ciphertext and tag. FORMAT.md specifies it in "File", "Block header", "Sealing",
// "Epochs" and "Key commitment".
//
// Within an epoch the nonce and the additional data are a function of the sequence
// number alone. Sealing a number twice breaks the cipher, so only [Writer], which
// counts, may call Append.
type Sealed struct {
	key    Key
	layout HeadLayout
	epoch  Epoch // to which aead and nonce belong
	aead   cipher.AEAD
	nonce  [nonceSize]byte
	aad    [4]byte
}

var _ Form = (*Sealed)(nil)

// NewSealed returns the form of the file that has this key.
func NewSealed(key Key, layout HeadLayout) *Sealed {
	s := &Sealed{key: key, layout: layout}
	s.setKey(key)
	return s
}

// enter goes over to the key of an epoch.
func (s *Sealed) enter(e Epoch) {
	if e != s.epoch {
		s.epoch = e
		s.setKey(s.key.Derive(e))
	}
}

func (s *Sealed) setKey(key Key) {
	block, err := aes.NewCipher(key.Secret[:])
	if err != nil {
		panic("blocks: AES refuses a 32 byte key: " + err.Error())
	}
	s.aead, err = cipher.NewGCMWithNonceSize(block, nonceSize)
	if err != nil {
		panic("blocks: GCM refuses a 16 byte nonce (is GODEBUG=fips140=only set?): " + err.Error())
	}
	copy(s.nonce[4:], key.IV[:])
}

// setNumber sets nonce and additional data for the block with this number.
func (s *Sealed) setNumber(sequence uint32) {
	binary.LittleEndian.PutUint32(s.nonce[:4], sequence)
	binary.LittleEndian.PutUint32(s.aad[:], sequence)
}

// Overhead implements [Encoder].
func (s *Sealed) Overhead() int { return HeaderSize + s.epoch.prefixSize() + TagSize }

// BeginEpoch implements [Encoder].
func (s *Sealed) BeginEpoch(sequence uint32) { s.enter(newEpoch(sequence)) }

// Append implements [Encoder].
func (s *Sealed) Append(dst []byte, sequence uint32, payload []byte) []byte {
	if sequence == 0 {
		dst = append(dst, magic...)
	}
	start := len(dst)
	dst = slices.Grow(dst, len(payload)+s.Overhead())
	dst = appendHeader(dst, sequence, uint32(len(payload)+s.Overhead()-HeaderSize))
	dst = s.epoch.appendPrefix(dst)
	s.setNumber(sequence)
	dst = s.aead.Seal(dst, s.nonce[:], payload, s.aad[:])
	putChecksum(dst[start:])
	return dst
}

// HeadExtent implements [Decoder].
func (s *Sealed) HeadExtent(start []byte) (int, error) {
	known := min(len(start), len(magic))
	if string(start[:known]) != magic[:known] {
		return 0, ErrNotBlocks
	}
	if len(start) < len(magic) {
		return len(magic), nil
	}
	return MagicSize + HeaderSize + s.layout.Size + TagSize, nil
}

// OpenHead implements [Decoder].
func (s *Sealed) OpenHead(dst, raw []byte) ([]byte, error) {
	block := raw[len(magic):]
	if h := rawHeader(block); !h.plausible() || h.sequence() != 0 || int(h.length()) != s.layout.Size+TagSize {
		return nil, fmt.Errorf("%w: not a block 0", ErrMalformed)
	}
	payload, err := s.decrypt(dst, block, Epoch{})
	if err != nil {
		return nil, ErrWrongKey
	}
	if !bytes.HasPrefix(payload[s.layout.Commitment:], []byte(Commitment)) {
		return nil, fmt.Errorf("%w: block 0 does not commit to the key", ErrWrongKey)
	}
	return payload, nil
}

// Extent implements [Decoder].
func (s *Sealed) Extent(start []byte) (int, error) {
	if len(start) < HeaderSize {
		return HeaderSize, nil
	}
	h := rawHeader(start)
	if !h.plausible() {
		return 0, fmt.Errorf("%w: no header here", ErrMalformed)
	}
	return HeaderSize + int(h.length()), nil
}

// Sequence implements [Decoder].
func (s *Sealed) Sequence(block []byte) uint32 { return rawHeader(block).sequence() }

// Epoch implements [Decoder].
func (s *Sealed) Epoch(block []byte) Epoch { return epochOf(block[HeaderSize:]) }

// Open implements [Decoder].
func (s *Sealed) Open(dst, block []byte) ([]byte, error) {
	payload, err := s.decrypt(dst, block, s.Epoch(block))
	if err != nil {
		return nil, ErrForged
	}
	return payload, nil
}

// decrypt appends the plaintext of a whole block of an epoch to dst, which must not
// overlap it.
func (s *Sealed) decrypt(dst, block []byte, e Epoch) ([]byte, error) {
	s.enter(e)
	s.setNumber(rawHeader(block).sequence())
	return s.aead.Open(dst, s.nonce[:], block[HeaderSize+e.prefixSize():], s.aad[:])
}
