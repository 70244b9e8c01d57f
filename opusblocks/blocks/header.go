package blocks

import (
	"encoding/binary"
	"hash/crc32"
)

// Sizes and limits, in bytes.
const (
	MagicSize    = len(magic)
	HeaderSize   = 16
	TagSize      = 16
	MaxBlockSize = 1 << 20 // a whole block: header, ciphertext and tag

	magic       = "MXC\x03"
	maxSequence = 1<<32 - 1
)

// marker begins every block.
const marker = 0xFFFFFFFF

// Header is the part of a block that is in clear: all that a server can read.
type Header struct {
	Sequence uint32
	Length   uint32 // of ciphertext and tag
	Checksum uint32 // CRC-32/IEEE of the block with this field zero; 0 = absent
}

// rawHeader is a header as it stands in the file, little-endian.
type rawHeader []byte

func (h rawHeader) marker() uint32   { return binary.LittleEndian.Uint32(h[0:4]) }
func (h rawHeader) sequence() uint32 { return binary.LittleEndian.Uint32(h[4:8]) }
func (h rawHeader) length() uint32   { return binary.LittleEndian.Uint32(h[8:12]) }
func (h rawHeader) checksum() uint32 { return binary.LittleEndian.Uint32(h[12:16]) }

func (h rawHeader) header() Header {
	return Header{Sequence: h.sequence(), Length: h.length(), Checksum: h.checksum()}
}

// plausible reports whether this can be a header at all. In ciphertext a marker
// occurs by chance at one offset in 2^32, and seldom with a possible length; only
// GCM can say for certain.
func (h rawHeader) plausible() bool {
	return h.marker() == marker && h.length() >= TagSize && h.length() <= MaxBlockSize-HeaderSize
}

// appendHeader appends marker, sequence and length, and a checksum of zero.
func appendHeader(dst []byte, sequence, length uint32) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, marker)
	dst = binary.LittleEndian.AppendUint32(dst, sequence)
	dst = binary.LittleEndian.AppendUint32(dst, length)
	return binary.LittleEndian.AppendUint32(dst, 0)
}

// putChecksum fills in the checksum of a whole block whose field is zero.
func putChecksum(block []byte) {
	binary.LittleEndian.PutUint32(block[12:16], crc32.ChecksumIEEE(block))
}

var zeroChecksum [4]byte

// checksumOf returns the checksum that a whole block should have.
func checksumOf(block []byte) uint32 {
	sum := crc32.ChecksumIEEE(block[:12])
	sum = crc32.Update(sum, crc32.IEEETable, zeroChecksum[:])
	return crc32.Update(sum, crc32.IEEETable, block[HeaderSize:])
}
