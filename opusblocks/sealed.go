package opusblocks

import (
	"fmt"
	"slices"
)

// A sealed file is magic bytes and blocks: FORMAT.md, "File" and "Block header".
var _ envelope = (*sealer)(nil)

func (s *sealer) pageBlocks() bool { return false }

func (s *sealer) headPages(h Head, serial uint32) ([]byte, error) {
	return h.committedPages(serial)
}

func (s *sealer) begin(dst []byte, sequence uint32) []byte {
	if sequence == 0 {
		dst = append(dst, magic...)
	}
	return append(dst, make([]byte, HeaderSize)...)
}

func (s *sealer) end(block []byte, sequence uint32) []byte {
	block = slices.Grow(block, TagSize)
	prefix := 0
	if sequence == 0 {
		prefix = len(magic)
	}
	sealed := s.seal(block[prefix:], sequence) // in place: there is room for the tag
	putChecksum(sealed)
	return block[:prefix+len(sealed)]
}

func (s *sealer) size(pages int) int { return HeaderSize + pages + TagSize }

func (s *sealer) headExtent(start []byte) (int, error) {
	known := min(len(start), len(magic))
	if string(start[:known]) != magic[:known] {
		return 0, ErrNotBlocks
	}
	if len(start) < len(magic) {
		return len(magic), nil
	}
	return HeadSize, nil
}

func (s *sealer) openHead(dst, raw []byte) ([]byte, error) {
	block := raw[len(magic):]
	if h := rawHeader(block); !h.plausible() || h.sequence() != 0 || int(h.length()) != headPlaintext+TagSize {
		return nil, fmt.Errorf("%w: not a block 0", ErrMalformed)
	}
	pages, err := s.unseal(dst, block)
	if err != nil {
		return nil, ErrWrongKey
	}
	if !commits(pages) {
		return nil, fmt.Errorf("%w: block 0 does not commit to the key", ErrWrongKey)
	}
	return pages, nil
}

func (s *sealer) extent(start []byte) (int, error) {
	if len(start) < HeaderSize {
		return HeaderSize, nil
	}
	h := rawHeader(start)
	if !h.plausible() {
		return 0, fmt.Errorf("%w: no header here", ErrMalformed)
	}
	return HeaderSize + int(h.length()), nil
}

func (s *sealer) sequence(block []byte) uint32 { return rawHeader(block).sequence() }

func (s *sealer) open(dst, block []byte) ([]byte, error) {
	pages, err := s.unseal(dst, block)
	if err != nil {
		return nil, ErrForged
	}
	return pages, nil
}
