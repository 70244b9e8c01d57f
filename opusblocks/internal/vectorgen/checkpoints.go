package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
)

var station = ed25519.NewKeyFromSeed(sequence(0xc0, 32))

func signerLine() string {
	return "signer: " + base64.RawURLEncoding.EncodeToString(station[32:]) + "\n"
}

// signedFile is a file with checkpoints that is being written.
type signedFile struct {
	bytes []byte
	block func(number uint32, payload []byte) []byte
	since int    // where the block with the last checkpoint begins
	last  []byte // digest of that

	// What is done to the next block with a checkpoint, before it is signed and behind that.
	before, after func(payload, mark []byte)
}

func sealedFile() *signedFile {
	return &signedFile{bytes: slices.Concat([]byte("MXC\x03"), seal(0, head())), block: seal, last: make([]byte, 32)}
}

func plainFile() *signedFile {
	bare := func(_ uint32, payload []byte) []byte { return payload }
	return &signedFile{bytes: plainHead(), block: bare, last: make([]byte, 32)}
}

// plainHead is the two header pages of a plain file.
func plainHead() []byte {
	opusHead := slices.Concat([]byte("OpusHead\x01\x01"), le16(312), le32(48000), []byte{0, 0, 0})
	tags := slices.Concat([]byte("OpusTags"), lengthPrefixed("broadcastbot"), le32(1), lengthPrefixed("TITLE=Vector"))
	return append(page(2, 0, 0, [][]byte{opusHead}), page(0, 0, 1, [][]byte{tags})...)
}

// unsigned adds a block as it is.
func (f *signedFile) unsigned(number uint32, payload []byte) *signedFile {
	f.bytes = append(f.bytes, f.block(number, payload)...)
	return f
}

// sound adds blocks of five packets without a checkpoint.
func (f *signedFile) sound(first, last uint32) *signedFile {
	for number := first; number <= last; number++ {
		f.unsigned(number, sound(number))
	}
	return f
}

// signed adds a block of five packets with a checkpoint.
func (f *signedFile) signed(number uint32) *signedFile {
	return f.mark(number, page(0, 4800*uint64(number), number+1, withRoom(packets(number, 5), 0)))
}

// ended adds an end of five packets, the last of which is trimmed.
func (f *signedFile) ended(number uint32) *signedFile {
	return f.mark(number, page(4, 4800*uint64(number)-400, number+1, withRoom(packets(number, 5), 0)))
}

// mark adds a block whose first packet has room for a checkpoint.
func (f *signedFile) mark(number uint32, payload []byte) *signedFile {
	digest := sha256.Sum256(slices.Concat(f.last, f.bytes[f.since:]))
	end := firstPacketEnd(payload)
	mark := payload[end-111 : end]
	copy(mark, "\xF4B\x01")
	binary.LittleEndian.PutUint32(mark[3:], number)
	binary.LittleEndian.PutUint64(mark[7:], 1795425442479+uint64(number)*100)
	copy(mark[15:], digest[:])
	f.change(&f.before, payload, mark)
	sign(payload, mark)
	f.change(&f.after, payload, mark)
	fixPageCRC(payload[:pageSize(payload)])
	f.since, f.last = len(f.bytes), digest[:]
	return f.unsigned(number, payload)
}

func (f *signedFile) change(how *func(payload, mark []byte), payload, mark []byte) {
	if *how != nil {
		(*how)(payload, mark)
	}
	*how = nil
}

func sign(payload, mark []byte) {
	clear(payload[22:26])
	clear(mark[47:])
	copy(mark[47:], ed25519.Sign(station, slices.Concat([]byte("org.broadcastbot.checkpoint.v1\x00"), payload)))
}

// withRoom returns packets, of code 0, of which the first has more padding than a checkpoint needs.
func withRoom(packets [][]byte, more byte) [][]byte {
	first := packets[0]
	padded := append([]byte{first[0] | 3, 0x41, 111 + more}, first[1:]...)
	padded = append(padded, make([]byte, 111+int(more))...)
	return append([][]byte{padded}, packets[1:]...)
}

// longPackets are packets of 120 ms: six frames of nothing each.
func longPackets(n int) [][]byte { return slices.Repeat([][]byte{{0x7B, 0x06}}, n) }

// firstPacketEnd returns where the first packet of a page ends.
func firstPacketEnd(page []byte) int {
	end, at := 27+int(page[26]), 27
	for ; page[at] == 255; at++ {
		end += 255
	}
	return end + int(page[at])
}

func pageSize(page []byte) int {
	size := 27 + int(page[26])
	for _, n := range page[27:size] {
		size += int(n)
	}
	return size
}

// signedVectors are of sealed files.
func signedVectors() []vector {
	vectors := bothVectors("signed", sealedFile)
	epoched := func() *signedFile {
		f := sealedFile().signed(1)
		f.block = epoch{2, sequence(0x40, 16)}.seal
		return f
	}
	twoPages := sealedFile()
	twoPages.block = func(number uint32, payload []byte) []byte {
		return seal(number, append(payload, page(0, 9600, 3, packets(2, 5))...)) // sign has not seen it
	}
	bothPages := append(page(0, 4800, 2, withRoom(packets(1, 5), 0)), page(0, 9600, 3, packets(2, 5))...)
	checksum := sealedFile().signed(1).sound(2, 2).ended(3)
	checksum.bytes = changed(checksum.bytes, 4+12, 1)
	return append(vectors,
		vector{"signed-ok-epoch", "ok", "goes on after a crash: the digest goes over the boundary", 15, epoched().signed(2).ended(3).bytes},
		vector{"signed-epoch", "ErrCheckpoint", "the first block of an epoch has no checkpoint", 5, epoched().sound(2, 2).ended(3).bytes},
		vector{"signed-epoch-alive", "ErrCheckpoint", "neither has its first block with sound, the second one", 5, epoched().unsigned(2, nil).unsigned(3, page(0, 9600, 3, packets(3, 5))).bytes},
		vector{"signed-two-pages", "ErrCheckpoint", "the signature is over one page of a block of two", 0, twoPages.signed(1).bytes},
		vector{"signed-ok-two-pages", "ErrCutOff", "the signature is over both pages of a block", 10, sealedFile().mark(1, bothPages).bytes},
		vector{"signed-checksum", "ErrCheckpoint", "a checksum that nobody looks at is in the digest too", 0, checksum.bytes},
	)
}

// signedPlainVectors are of plain files.
func signedPlainVectors() []vector { return bothVectors("signed-plain", plainFile) }

// unverifiedVectors are read by somebody who does not know who signs them.
func unverifiedVectors() []vector {
	f := sealedFile().signed(1).sound(2, 2)
	f.after = func(_, mark []byte) { mark[110] ^= 1 }
	return []vector{{"unverified-ok", "ok", "a wrong checkpoint, where it is not known who signs", 15, f.ended(3).bytes}}
}

// bothVectors are files of either form.
func bothVectors(name string, file func() *signedFile) []vector {
	begun := func() *signedFile { return file().signed(1).sound(2, 2) }
	before := func(f *signedFile, change func(payload, mark []byte)) *signedFile { f.before = change; return f }
	after := func(f *signedFile, change func(payload, mark []byte)) *signedFile { f.after = change; return f }

	silence := [][]byte{{0xE0, 0xFF, 0xFE}}
	noise := before(file(), func(payload, mark []byte) { payload[firstPacketEnd(payload)-112] = 7 })
	replaced := begun()
	other := file().signed(1).unsigned(2, page(0, 9600, 3, packets(9, 5)))
	replaced.ended(3)
	replaced.bytes = append(other.bytes, replaced.bytes[len(other.bytes):]...)
	moved := append(packets(1, 1), withRoom(packets(2, 4), 0)...)

	all := []vector{
		{"ok", "ok", "a checkpoint in the first block and in the end", 15, begun().ended(3).bytes},
		{"ok-silent-end", "ok", "an end without sound has a packet all the same", 11, begun().mark(3, page(4, 9600, 4, withRoom(silence, 0))).bytes},
		{"ok-every-block", "ok", "more checkpoints than there have to be", 15, file().signed(1).signed(2).ended(3).bytes},
		{"ok-padded", "ok", "before a checkpoint there may be other padding", 10, noise.mark(1, page(0, 4800, 2, withRoom(packets(1, 5), 90))).ended(2).bytes},
		{"ok-five-seconds", "ok", "after five seconds a further one", 260, file().signed(1).sound(2, 50).signed(51).ended(52).bytes},
		{"late", "ErrCheckpoint", "after five seconds there is none", 250, file().signed(1).sound(2, 51).signed(52).bytes},
		{"ok-long", "ok", "a block of more than two seconds that has one", 19, file().mark(1, page(0, 98880, 2, withRoom(append(packets(1, 1), longPackets(17)...), 0))).mark(2, page(4, 98880, 3, withRoom(silence, 0))).bytes},
		{"long", "ErrCheckpoint", "a block of more than two seconds has none", 5, file().signed(1).unsigned(2, page(0, 4800+17*5760, 3, longPackets(17))).bytes},
		{"no-first", "ErrCheckpoint", "the first block with sound has none", 0, file().sound(1, 2).ended(3).bytes},
		{"no-end", "ErrCheckpoint", "the end has none", 10, begun().unsigned(3, page(4, 14000, 4, packets(3, 5))).bytes},
		{"no-nil-end", "ErrCheckpoint", "an end without packets has none", 10, begun().unsigned(3, page(4, 1<<64-1, 4, nil)).bytes},
		{"second-packet", "ErrCheckpoint", "it stands in the second packet, where nobody looks", 0, file().unsigned(1, page(0, 4800, 2, moved)).bytes},
		{"sequence", "ErrCheckpoint", "another number", 10, before(begun(), func(_, mark []byte) { mark[3]++ }).ended(3).bytes},
		{"digest", "ErrCheckpoint", "another digest", 10, before(begun(), func(_, mark []byte) { mark[15] ^= 1 }).ended(3).bytes},
		{"version", "ErrCheckpoint", "a version that is not known is no checkpoint", 0, before(file(), func(_, mark []byte) { mark[2]++ }).signed(1).bytes},
		{"signature", "ErrCheckpoint", "one bit of the signature", 10, after(begun(), func(_, mark []byte) { mark[110] ^= 1 }).ended(3).bytes},
		{"time", "ErrCheckpoint", "another time than was signed", 10, after(begun(), func(_, mark []byte) { mark[7] ^= 1 }).ended(3).bytes},
		{"sound", "ErrCheckpoint", "other sound in the block itself", 0, after(file(), func(payload, _ []byte) { payload[len(payload)-1] ^= 1 }).signed(1).bytes},
		{"early-end", "ErrCheckpoint", "a block is made the end", 10, after(begun(), func(payload, _ []byte) { payload[5] = 4 }).signed(3).bytes},
		{"replaced", "ErrCheckpoint", "other sound in a block before", 10, replaced.bytes},
		{"cut", "ErrCutOff", "the server keeps the end back", 10, begun().bytes},
	}
	for i := range all {
		all[i].name = name + "-" + all[i].name
	}
	return all
}
