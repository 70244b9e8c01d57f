package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// epoch is the run of blocks that begins with block begin, and its 16 random bytes.
type epoch struct {
	begin  uint32
	random []byte
}

// keys returns key and iv of the epoch: HKDF (RFC 5869) with an output of two rounds.
func (e epoch) keys() (secret32, iv12 []byte) {
	extract := mac(append(le32(e.begin), e.random...), secret, iv)
	first := mac(extract, []byte("org.broadcastbot.epoch.v1\x01"))
	second := mac(extract, first, []byte("org.broadcastbot.epoch.v1\x02"))
	return first, second[:12]
}

func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}

func (e epoch) prefix() []byte {
	return slices.Concat([]byte("MXCEPOCH"), le32(e.begin), e.random)
}

func (e epoch) seal(number uint32, plaintext []byte) []byte {
	secret, iv := e.keys()
	return sealWith(secret, iv, number, e.prefix(), plaintext)
}

// epochVectors are files that went on after a crash behind block 1.
func epochVectors() []vector {
	begin := slices.Concat([]byte("MXC\x03"), seal(0, head()), seal(1, sound(1)))
	file := func(blocks ...[]byte) []byte { return append(slices.Clone(begin), slices.Concat(blocks...)...) }
	a, b := epoch{2, sequence(0x40, 16)}, epoch{2, sequence(0x60, 16)}
	late, early, nought := epoch{3, sequence(0x50, 16)}, epoch{1, sequence(0x50, 16)}, epoch{0, make([]byte, 16)}
	end := page(4, 14000, 4, packets(3, 5))

	stripped := a.seal(2, sound(2))
	stripped = slices.Concat(stripped[:16], stripped[16+28:])
	setLength(stripped)
	inserted := seal(2, sound(2))
	inserted = slices.Concat(inserted[:16], nought.prefix(), inserted[16:])
	setLength(inserted)
	short := slices.Concat(le32(0xFFFFFFFF), le32(2), le32(0), le32(0), a.prefix(), make([]byte, 15))
	setLength(short)

	return []vector{
		{"ok-epoch", "ok", "from block 2 on another epoch", 15, file(a.seal(2, sound(2)), a.seal(3, end))},
		{"ok-epochs", "ok", "two crashes, one behind the other", 15, file(a.seal(2, sound(2)), late.seal(3, end))},
		{"ok-epoch-alive", "ok", "the first block of the epoch is a sign of life", 10, file(a.seal(2, nil), a.seal(3, page(4, 9600, 3, packets(3, 5))))},
		{"ok-epoch-no-checksum", "ok", "checksums are as little needed in an epoch", 15, withoutChecksums(file(a.seal(2, sound(2)), a.seal(3, end)), 4)},
		{"epoch-left", "ErrOrder", "block 3 is back in epoch 0", 10, file(a.seal(2, sound(2)), seal(3, end))},
		{"epoch-joined-late", "ErrOrder", "block 3 is of an epoch that another block 2 began", 10, file(b.seal(2, sound(2)), a.seal(3, end))},
		{"epoch-without-begin", "ErrOrder", "block 3 is of an epoch whose block 2 was not seen", 10, file(seal(2, sound(2)), a.seal(3, end))},
		{"epoch-begun-before", "ErrOrder", "block 2 says that its epoch began with block 1", 5, file(early.seal(2, sound(2)))},
		{"epoch-begun-later", "ErrOrder", "block 2 says that its epoch begins with block 3", 5, file(late.seal(2, sound(2)))},
		{"epoch-number-first", "ErrOrder", "block 3 begins an epoch where block 2 belongs", 5, file(late.seal(3, end))},
		{"epoch-other-salt", "ErrForged", "one bit of the 16 random bytes is flipped", 5, file(changed(a.seal(2, sound(2)), 16+12, 1))},
		{"epoch-renumbered", "ErrForged", "block 3 of the epoch as its first one", 5, file(renumber(a.seal(3, end), 2))},
		{"epoch-stripped", "ErrForged", "the prefix is taken away", 5, file(stripped)},
		{"epoch-inserted", "ErrForged", "a prefix with begin 0 is none, it is ciphertext", 5, file(inserted)},
		{"epoch-too-short", "ErrForged", "there is no room for a tag behind the prefix, so it is ciphertext", 5, file(short)},
		{"epoch-in-head", "ErrWrongKey", "block 0 has no prefix", 0, slices.Concat([]byte("MXC\x03"), nought.seal(0, head()[:len(head())-28]))},
		{"epoch-cut", "ErrCutOff", "the server keeps back what was written after the crash", 5, file()},
	}
}

// sound is the payload of a block of five packets.
func sound(block uint32) []byte {
	return page(0, 4800*uint64(block), block+1, packets(block, 5))
}

// setLength repairs length and checksum of a block.
func setLength(block []byte) {
	binary.LittleEndian.PutUint32(block[8:], uint32(len(block)-16))
	clear(block[12:16])
}
