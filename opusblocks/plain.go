package opusblocks

import (
	"errors"
	"fmt"
	"io"

	"broadcastbot/internal/oggopus"
)

// A plain file is not encrypted: an ordinary Ogg Opus file that grows, for rooms
// without encryption. Every page is a block; FORMAT.md, "Plain files".
type plain struct{}

var _ envelope = plain{}

// NewPlainWriter begins a file that is not encrypted: it writes the two header
// pages.
func NewPlainWriter(w io.Writer, head Head) (*Writer, error) {
	return beginWriter(w, plain{}, head)
}

// ResumePlainWriter is ResumeWriter for a file that is not encrypted.
func ResumePlainWriter(w io.Writer, at Position) *Writer {
	return newWriter(w, plain{}, at)
}

// NewPlainReader reads a file that is not encrypted from its first byte. It
// finds damage, but nothing of what it gives out is proved: whoever stores or
// carries the file could have made it.
func NewPlainReader(r io.Reader) *Reader {
	return newReader(r, plain{})
}

func (plain) pageBlocks() bool { return true }

func (plain) headPages(h Head, serial uint32) ([]byte, error) { return h.plainPages(serial) }

func (plain) begin(dst []byte, _ uint32) []byte { return dst }
func (plain) end(block []byte, _ uint32) []byte { return block }
func (plain) size(pages int) int                { return pages }

// headExtent measures the two header pages.
func (plain) headExtent(start []byte) (int, error) {
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

func (plain) openHead(dst, raw []byte) ([]byte, error) { return append(dst, raw...), nil }

func (plain) extent(start []byte) (int, error) {
	size, err := oggopus.PageSize(start)
	if err != nil {
		return 0, fmt.Errorf("%w: no page here", ErrMalformed)
	}
	return size, nil
}

// sequence counts the header pages as one block. A page that is not whole has
// no number that means anything; open will refuse it.
func (plain) sequence(block []byte) uint32 {
	return oggopus.PageSequence(block) - firstPage + 1
}

func (plain) open(dst, block []byte) ([]byte, error) {
	if _, _, err := oggopus.ParsePage(block); errors.Is(err, oggopus.ErrChecksum) {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return append(dst, block...), nil
}
