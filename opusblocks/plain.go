package opusblocks

import (
	"errors"
	"fmt"

	"broadcastbot/internal/oggopus"
	"broadcastbot/opusblocks/blocks"
)

// Plain is the form of files without encryption: an ordinary Ogg Opus file that
// grows, of which every page is a block. See FORMAT.md, "Plain files". A reader of
// it finds damage, but nothing is authenticated: whoever stores or transports the
// file could have made another of it.
func Plain() Form {
	return Form{
		blocks:    func() blocks.Form { return barePages{} },
		headPages: Head.plainPages, pageBlocks: true,
	}
}

// barePages is the form in which a block is its payload: an Ogg page, or in block
// 0 two of them.
type barePages struct{}

var _ blocks.Form = barePages{}

// Overhead implements [blocks.Encoder].
func (barePages) Overhead() int { return 0 }

// BeginEpoch implements [blocks.Encoder]: without keys there is nothing to begin.
func (barePages) BeginEpoch(uint32) {}

// Append implements [blocks.Encoder].
func (barePages) Append(dst []byte, _ uint32, payload []byte) []byte {
	return append(dst, payload...)
}

// HeadExtent implements [blocks.Decoder]: it measures the two header pages.
func (barePages) HeadExtent(start []byte) (int, error) {
	first, err := oggopus.PageSize(start)
	if err != nil {
		return 0, fmt.Errorf("%w, nor a plain Ogg Opus file", ErrNotBlocks)
	}
	if first > len(start) {
		return first, nil
	}
	second, err := oggopus.PageSize(start[first:])
	if err != nil {
		return 0, fmt.Errorf("%w: no second header page", ErrMalformed)
	}
	return first + second, nil
}

// OpenHead implements [blocks.Decoder].
func (barePages) OpenHead(dst, raw []byte) ([]byte, error) { return append(dst, raw...), nil }

// Extent implements [blocks.Decoder].
func (barePages) Extent(start []byte) (int, error) {
	size, err := oggopus.PageSize(start)
	if err != nil {
		return 0, fmt.Errorf("%w: no page here", ErrMalformed)
	}
	return size, nil
}

// Sequence implements [blocks.Decoder]. The two header pages are one block.
func (barePages) Sequence(block []byte) uint32 {
	return oggopus.PageSequence(block) - firstPage + 1
}

// Epoch implements [blocks.Decoder].
func (barePages) Epoch([]byte) blocks.Epoch { return blocks.Epoch{} }

// Open implements [blocks.Decoder].
func (barePages) Open(dst, block []byte) ([]byte, error) {
	if _, _, err := oggopus.ParsePage(block); errors.Is(err, oggopus.ErrChecksum) {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return append(dst, block...), nil
}
