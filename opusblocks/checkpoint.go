package opusblocks

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"time"

	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/opus"
)

// ErrCheckpoint means that a checkpoint is missing or wrong: the file is not what the station wrote.
var ErrCheckpoint = errors.New("not what the station signed")

// Checkpoint is what the station has signed: that this is its file up to here. See FORMAT.md,
// "Checkpoints".
type Checkpoint struct {
	Sequence uint32    // of the block that it stands in
	Sample   int64     // where that block ends, at 48 kHz, pre-skip included
	Time     time.Time // when the sound before Sample had been captured, by the station's clock
}

// CheckpointInterval is the number of samples, at 48 kHz, from the beginning of a block with a
// checkpoint to that of the next one, at most. Whoever goes to the middle of a signed file has to
// begin to read so much earlier, and a block, as Seeker.SeekTo does: only what comes behind the
// first checkpoint there is proven by those that follow.
const CheckpointInterval = 5 * sampleRate

const (
	maxUnproven      = 2 * sampleRate // samples of a block without a checkpoint
	checkpointSize   = 111            // bytes
	checkpointGrowth = 113            // bytes by which it makes its packet longer
	checkpointDomain = "org.broadcastbot.checkpoint.v1\x00"
	checkpointHead   = "\xF4B\x01" // an extension (draft-ietf-mlcodec-opus-extension), and our version of it
)

// rawCheckpoint is a checkpoint as it stands in the padding of a packet, little-endian.
type rawCheckpoint []byte

func (c rawCheckpoint) sequence() uint32  { return binary.LittleEndian.Uint32(c[3:7]) }
func (c rawCheckpoint) millis() int64     { return int64(binary.LittleEndian.Uint64(c[7:15])) }
func (c rawCheckpoint) digest() []byte    { return c[15:47] }
func (c rawCheckpoint) signature() []byte { return c[47:checkpointSize] }

// checkpointIn returns the checkpoint that a packet has, or nil. It aliases the packet.
func checkpointIn(packet []byte) rawCheckpoint {
	if len(packet) < checkpointSize {
		return nil
	}
	padding := opus.Padding(packet)
	at := len(padding) - checkpointSize
	if at < 0 || string(padding[at:at+len(checkpointHead)]) != checkpointHead {
		return nil
	}
	return rawCheckpoint(padding[at:])
}

// growthOf returns how many bytes a block with these packets has only because of a checkpoint: those
// of the packet, and a further lacing value where it needs one.
func growthOf(packets [][]byte) int {
	if len(packets) == 0 || checkpointIn(packets[0]) == nil {
		return 0
	}
	size := len(packets[0])
	return checkpointGrowth + size/255 - max(0, size-checkpointGrowth)/255
}

// checkpointOf returns the checkpoint of a block that holds these pages, or nil, and where in them
// it ends.
func checkpointOf(pages []byte) (c rawCheckpoint, end int) {
	if len(pages) == 0 {
		return nil, 0
	}
	start, end := oggopus.FirstPacket(pages)
	return checkpointIn(pages[start:end]), end
}

// appendSigned appends to dst what is signed of a block whose checkpoint ends there.
func appendSigned(dst, pages []byte, end int) []byte {
	start := len(dst) + len(checkpointDomain)
	dst = append(append(dst, checkpointDomain...), pages...)
	signed := dst[start:]
	clear(signed[oggopus.ChecksumOffset:][:4])
	clear(signed[end-ed25519.SignatureSize : end])
	return dst
}

// appendWithCheckpoint appends the packet to dst with room for a checkpoint, whose signature is still
// to be made.
func appendWithCheckpoint(dst, packet []byte) []byte {
	dst = appendPadded(dst, packet, len(packet)+checkpointGrowth)
	copy(dst[len(dst)-checkpointSize:], checkpointHead)
	return dst
}

// appendPadded appends the packet to dst, padded to so many bytes with zeros. Where it cannot be
// taken apart, frames of no bytes take the place of its own, and it lasts as long.
func appendPadded(dst, packet []byte, size int) []byte {
	padded, err := opus.PadTo(dst, packet, size)
	if err != nil {
		head := [2]byte{packet[0] | 3, packet[1] & 0x3F} // only packets of code 3 are refused
		padded, _ = opus.PadTo(dst, head[:], size)
	}
	return padded
}

// chain is the digest that the next checkpoint has to have.
type chain struct{ hash hash.Hash }

// newChain returns the chain at the beginning of a file.
func newChain() chain {
	c := chain{sha256.New()}
	c.restart(make([]byte, sha256.Size))
	return c
}

// restart begins behind a checkpoint with this digest.
func (c chain) restart(digest []byte) {
	c.hash.Reset()
	c.hash.Write(digest)
}

// add adds bytes of the file.
func (c chain) add(raw []byte) { c.hash.Write(raw) }

// clone returns a chain that goes on by itself.
func (c chain) clone() chain {
	copied, err := c.hash.(hash.Cloner).Clone()
	if err != nil {
		panic("opusblocks: SHA-256 cannot be cloned: " + err.Error())
	}
	return chain{copied}
}

// digest appends the digest of a checkpoint in a block that begins here to dst.
func (c chain) digest(dst []byte) []byte { return c.hash.Sum(dst) }
