package blocks

// Form is how blocks stand in a file. A form does not know which blocks were
// written or read before: [Writer] and [Reader] keep the order. It may have
// buffers, so each Writer and each Reader needs a form of its own.
type Form interface {
	Encoder
	Decoder
}

// Encoder is the half of a form that writes.
type Encoder interface {
	// Append appends to dst the block with this number and payload, and before
	// block 0 what the file begins with.
	Append(dst []byte, sequence uint32, payload []byte) []byte
	// Overhead returns how many bytes a block has besides its payload. Block 0
	// may have more.
	Overhead() int
	// BeginEpoch puts the block with this number, from 1 on, and those behind it into
	// a fresh epoch. Forms without keys do nothing.
	BeginEpoch(sequence uint32)
}

// Decoder is the half of a form that reads.
type Decoder interface {
	// HeadExtent returns how many of the first bytes of a file are block 0 and what
	// is before it. start is the beginning of the file, as far as it has been read.
	// A result above len(start) means that at least that many bytes have to be read
	// before the size is known. An error means that the file is refused.
	HeadExtent(start []byte) (size int, err error)
	// OpenHead appends the payload of block 0 to dst. raw is as long as HeadExtent
	// said.
	OpenHead(dst, raw []byte) (payload []byte, err error)

	// Extent is HeadExtent for every other block.
	Extent(start []byte) (size int, err error)
	// Sequence returns the number of a block. It needs as many bytes of it as Extent(nil) says.
	Sequence(block []byte) uint32
	// Epoch returns the epoch of a whole block, as its bytes say; no key is needed.
	Epoch(block []byte) Epoch
	// Open appends the payload of a whole block to dst.
	Open(dst, block []byte) (payload []byte, err error)
}
