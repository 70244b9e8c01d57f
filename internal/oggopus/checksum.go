package oggopus

import "encoding/binary"

// The checksum of a page (RFC 3533, 6) is CRC-32 with this polynomial, most
// significant bit first, which hash/crc32 cannot do.
const polynomial = 0x04c11db7

// crcTables[n][b] is the checksum of byte b followed by n zero bytes. With eight
// tables one step covers eight bytes.
var crcTables = makeTables()

func makeTables() (tables [8][256]uint32) {
	for b := range tables[0] {
		crc := uint32(b) << 24
		for range 8 {
			carry := crc >> 31
			crc = crc<<1 ^ carry*polynomial
		}
		tables[0][b] = crc
	}
	for n := 1; n < len(tables); n++ {
		for b, crc := range tables[n-1] {
			tables[n][b] = crc<<8 ^ tables[0][crc>>24]
		}
	}
	return tables
}

// updateCRC returns the checksum of some bytes followed by p. crc is that of the
// bytes before p.
func updateCRC(crc uint32, p []byte) uint32 {
	t := &crcTables
	for len(p) >= 8 {
		crc ^= binary.BigEndian.Uint32(p)
		crc = t[7][crc>>24] ^ t[6][crc>>16&0xFF] ^ t[5][crc>>8&0xFF] ^ t[4][crc&0xFF] ^
			t[3][p[4]] ^ t[2][p[5]] ^ t[1][p[6]] ^ t[0][p[7]]
		p = p[8:]
	}
	for _, b := range p {
		crc = crc<<8 ^ t[0][byte(crc>>24)^b]
	}
	return crc
}

// pageCRC returns the checksum that a page should have: that of its bytes with zeros
// in the checksum field.
func pageCRC(page []byte) uint32 {
	crc := updateCRC(0, page[:ChecksumOffset])
	crc = updateCRC(crc, []byte{0, 0, 0, 0})
	return updateCRC(crc, page[ChecksumOffset+4:])
}
