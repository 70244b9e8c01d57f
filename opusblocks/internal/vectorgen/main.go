// Command vectorgen writes the test vectors of the block format, one fault in
// each. It is made from FORMAT.md alone and does not use the package that the
// vectors are for. Run it in opusblocks/: go run ./internal/vectorgen
//
// A vector is a text header, an empty line and the bytes of the file:
//
//	expect: ok | the name of the error, such as ErrOrder
//	comment: what is wrong
//	key: the fragment of a listen link; or
//	plain: yes
//	signer: the public key whose checkpoints the file has to have, base64url; without it none are looked for
//	packets: how many packets a strict reader gives out before expect
package main

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"log"
	"os"
	"path/filepath"
	"slices"
)

const serial = 0x51ed2701

var secret, iv = sequence(0x00, 32), sequence(0xa0, 12)

// sequence returns n bytes that count up from first.
func sequence(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

func main() {
	writeAll("vectors", keyLine(), vectors())
	writeAll("epochs", keyLine(), epochVectors())
	writeAll("checkpoints", keyLine()+signerLine(), signedVectors())
	writeAll("checkpoints", "plain: yes\n"+signerLine(), signedPlainVectors())
	writeAll("checkpoints", keyLine(), unverifiedVectors())
}

func keyLine() string {
	return "key: " + base64.RawURLEncoding.EncodeToString(slices.Concat(secret, iv)) + "\n"
}

// writeAll writes vectors with lines that say how to read them.
func writeAll(folder, lines string, vectors []vector) {
	for _, v := range vectors {
		text := fmt.Sprintf("expect: %s\ncomment: %s\n%spackets: %d\n\n", v.expect, v.comment, lines, v.packets)
		path := filepath.Join("testdata", folder, v.name)
		if err := os.WriteFile(path, append([]byte(text), v.file...), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

type vector struct {
	name, expect, comment string
	packets               int
	file                  []byte
}

func vectors() []vector {
	magic := []byte("MXC\x03")
	b0 := seal(0, head())
	audio := func(block uint32, granule uint64, n int) []byte {
		return seal(block, page(0, granule, block+1, packets(block, n)))
	}
	b1, b2 := audio(1, 4800, 5), audio(2, 9600, 5)
	end := seal(3, page(4, 14000, 4, packets(3, 5)))
	nilEnd := seal(3, page(4, 1<<64-1, 4, nil))
	alive := seal(2, nil)
	whole := slices.Concat(magic, b0, b1, b2, end)

	flipped := changed(whole, len(magic)+len(b0)+100, 1)
	noCRC := withoutChecksums(whole, len(magic))
	wrongCRC := changed(whole, len(magic)+12, 0xFF)
	bigEndian := slices.Concat(magic, b0, b1)
	copyOfLength := bigEndian[len(magic)+len(b0)+8:]
	binary.BigEndian.PutUint32(copyOfLength, binary.LittleEndian.Uint32(copyOfLength))
	short := slices.Concat(magic, b0, b1[:16])
	binary.LittleEndian.PutUint32(short[len(short)-8:], 15)
	huge := slices.Concat(magic, b0, b1)
	binary.LittleEndian.PutUint32(huge[len(magic)+len(b0)+8:], 0xFFFFFFFF)
	uncommitted := head()
	uncommitted[126] = '1'
	fixPageCRC(uncommitted[47:])

	return []vector{
		{"ok", "ok", "a whole broadcast, the last page trimmed by 400 samples", 15, whole},
		{"ok-nil-end", "ok", "the end without sound", 10, slices.Concat(magic, b0, b1, b2, nilEnd)},
		{"ok-alive", "ok", "an empty block as a sign of life", 10, slices.Concat(magic, b0, b1, alive, seal(3, page(4, 9600, 3, packets(3, 5))))},
		{"ok-no-checksum", "ok", "all checksums absent, as the reference implementation writes", 15, noCRC},
		{"ok-wrong-checksum", "ok", "a checksum never outweighs GCM", 15, wrongCRC},
		{"ok-trailing", "ok", "bytes after the last block are not part of the broadcast", 15, append(slices.Clone(whole), "more"...)},
		{"empty", "ErrCutOff", "no bytes at all", 0, nil},
		{"no-magic", "ErrNotBlocks", "an Ogg file, not encrypted", 0, head()},
		{"wrong-key", "ErrWrongKey", "block 0 of another key", 0, slices.Concat(magic, otherKey(head()))},
		{"no-commitment", "ErrWrongKey", "block 0 opens, but one of the 64 constant bytes differs", 0, slices.Concat(magic, seal(0, uncommitted), b1)},
		{"cut-at-boundary", "ErrCutOff", "the server keeps the last block back", 10, slices.Concat(magic, b0, b1, b2)},
		{"cut-inside", "ErrCutOff", "the last block is not whole", 10, whole[:len(whole)-1]},
		{"cut-head", "ErrCutOff", "block 0 is not whole", 0, whole[:100]},
		{"reordered", "ErrOrder", "block 2 before block 1", 0, slices.Concat(magic, b0, b2, b1, end)},
		{"duplicated", "ErrOrder", "block 1 twice", 5, slices.Concat(magic, b0, b1, b1, b2, end)},
		{"dropped", "ErrOrder", "block 1 is missing", 0, slices.Concat(magic, b0, b2, end)},
		{"flipped", "ErrForged", "one bit of block 1 is flipped", 0, flipped},
		{"renumbered", "ErrForged", "block 2 under the number 1", 0, slices.Concat(magic, b0, renumber(b2, 1))},
		{"big-endian-length", "ErrMalformed", "the length is big-endian", 0, bigEndian},
		{"length-15", "ErrMalformed", "no room for the tag", 0, short},
		{"length-max", "ErrMalformed", "a length of 2^32-1", 0, huge},
		{"garbage-between", "ErrMalformed", "four bytes between two blocks", 5, slices.Concat(magic, b0, b1, []byte("junk"), b2, end)},
		{"other-stream", "ErrMalformed", "a page of another Ogg stream", 0, slices.Concat(magic, b0, seal(1, pageOf(serial+1, 0, 4800, 2, packets(1, 5))))},
		{"missing-page", "ErrOrder", "the sealed page 3 follows page 1", 0, slices.Concat(magic, b0, seal(1, page(0, 4800, 3, packets(1, 5))))},
		{"time-jump", "ErrMalformed", "the granule position leaps by an hour", 0, slices.Concat(magic, b0, seal(1, page(0, 4800+3600*48000, 2, packets(1, 5))))},
		{"end-with-time", "ErrMalformed", "an end without sound has no granule position", 10, slices.Concat(magic, b0, b1, b2, seal(3, page(4, 9600, 4, nil)))},
		{"not-ogg", "ErrMalformed", "a block that opens but holds no pages", 0, slices.Concat(magic, b0, seal(1, []byte("hello")))},
		{"not-opus", "ErrMalformed", "a packet of no frames (code 3, count 0)", 0, slices.Concat(magic, b0, seal(1, page(0, 960, 2, [][]byte{{0x7b, 0x00}})))},
	}
}

// changed returns a copy of a file in which bits of one byte are inverted.
func changed(file []byte, at int, bits byte) []byte {
	file = slices.Clone(file)
	file[at] ^= bits
	return file
}

// withoutChecksums returns a copy of a file whose blocks, the first of which is at first, have none.
func withoutChecksums(file []byte, first int) []byte {
	file = slices.Clone(file)
	for at := first; at < len(file); at += 16 + int(binary.LittleEndian.Uint32(file[at+8:])) {
		clear(file[at+12 : at+16])
	}
	return file
}

// packets returns n Opus packets of 20 ms: hybrid fullband mono, 80 bytes.
func packets(block uint32, n int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = append([]byte{0x78}, sequence(byte(block)*16+byte(i), 79)...)
	}
	return all
}

// head is the plaintext of block 0.
func head() []byte {
	opusHead := slices.Concat([]byte("OpusHead\x01\x01"), le16(312), le32(48000), []byte{0, 0, 0})
	tags := []byte("OpusTags")
	tags = append(tags, lengthPrefixed("broadcastbot")...)
	zeros := string(slices.Repeat([]byte{'0'}, 64))
	comments := []string{"KEY_COMMITMENT=" + zeros, "TITLE=Vector", "ARTIST=@vector:example.org", "DATE=2026-11-23T20:00:00.000Z"}
	tags = append(tags, le32(uint32(len(comments)))...)
	for _, c := range comments {
		tags = append(tags, lengthPrefixed(c)...)
	}
	tags = append(tags, make([]byte, 1024-len(tags))...)
	return append(page(2, 0, 0, [][]byte{opusHead}), page(0, 0, 1, [][]byte{tags})...)
}

func le16(v uint16) []byte { return binary.LittleEndian.AppendUint16(nil, v) }
func le32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

func lengthPrefixed(s string) []byte { return append(le32(uint32(len(s))), s...) }

func page(flags byte, granule uint64, number uint32, packets [][]byte) []byte {
	return pageOf(serial, flags, granule, number, packets)
}

// pageOf returns an Ogg page (RFC 3533, 6).
func pageOf(serial uint32, flags byte, granule uint64, number uint32, packets [][]byte) []byte {
	var lacing, body []byte
	for _, p := range packets {
		lacing = append(lacing, slices.Repeat([]byte{255}, len(p)/255)...)
		lacing = append(lacing, byte(len(p)%255))
		body = append(body, p...)
	}
	b := append([]byte("OggS\x00"), flags)
	b = binary.LittleEndian.AppendUint64(b, granule)
	b = slices.Concat(b, le32(serial), le32(number), le32(0), []byte{byte(len(lacing))}, lacing, body)
	fixPageCRC(b)
	return b
}

// fixPageCRC computes a page's checksum bit by bit: polynomial 04c11db7,
// neither reflected nor inverted.
func fixPageCRC(page []byte) {
	clear(page[22:26])
	var crc uint32
	for _, b := range page {
		crc ^= uint32(b) << 24
		for range 8 {
			carry := crc >> 31
			crc = crc<<1 ^ carry*0x04c11db7
		}
	}
	binary.LittleEndian.PutUint32(page[22:], crc)
}

func seal(number uint32, plaintext []byte) []byte {
	return sealWith(secret, iv, number, nil, plaintext)
}

func otherKey(plaintext []byte) []byte { return sealWith(sequence(1, 32), iv, 0, nil, plaintext) }

// sealWith returns a block with these bytes between header and ciphertext.
func sealWith(secret, iv []byte, number uint32, prefix, plaintext []byte) []byte {
	block, err := aes.NewCipher(secret)
	if err != nil {
		log.Fatal(err)
	}
	gcm, err := cipher.NewGCMWithNonceSize(block, 16)
	if err != nil {
		log.Fatal(err)
	}
	sealed := gcm.Seal(slices.Clone(prefix), append(le32(number), iv...), plaintext, le32(number))
	b := slices.Concat(le32(0xFFFFFFFF), le32(number), le32(uint32(len(sealed))), le32(0), sealed)
	binary.LittleEndian.PutUint32(b[12:], crc32.ChecksumIEEE(b))
	return b
}

func renumber(block []byte, number uint32) []byte {
	b := slices.Clone(block)
	binary.LittleEndian.PutUint32(b[4:], number)
	return b
}
