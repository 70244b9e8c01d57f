package oggopus

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// maxSearch is how many bytes may be skipped before the first Opus header.
const maxSearch = 64 << 10

// pageScanner finds the pages in a byte stream and skips all other bytes.
type pageScanner struct {
	in    *bufio.Reader
	size  int  // bytes of the page returned last
	found bool // an Opus header was seen, so it is worth searching on
	stats Stats
}

func newPageScanner(r io.Reader) pageScanner {
	return pageScanner{in: bufio.NewReaderSize(r, maxPageSize)}
}

// next returns the next good page, which is valid until the next call. The error
// with which the stream ends is returned after all pages before it.
func (s *pageScanner) next() (Page, error) {
	s.in.Discard(s.size)
	s.size = 0
	for s.found || s.stats.SkippedBytes <= maxSearch {
		page, size, err := s.peekPage()
		switch err {
		case nil:
			s.size = size
			return page, nil
		case ErrChecksum:
			s.stats.BadPages++
		case ErrNotPage, ErrShort:
		default:
			return Page{}, err
		}
		s.skip()
	}
	return Page{}, fmt.Errorf("%w: no Opus header in the first %d bytes", ErrNotOpus, maxSearch)
}

// peekPage parses the page that begins here, and reads as much as it needs. ErrShort
// means that the stream ends inside the page.
func (s *pageScanner) peekPage() (page Page, size int, err error) {
	for need := pageHeaderSize; ; need = size {
		b, readErr := s.in.Peek(need)
		size, err = pageSize(b)
		if err == nil && size <= len(b) {
			return ParsePage(b)
		}
		switch {
		case err == ErrNotPage:
			return Page{}, 0, ErrNotPage
		case readErr == io.EOF && len(b) > 0:
			return Page{}, 0, ErrShort
		case readErr != nil:
			return Page{}, 0, readErr
		}
	}
}

// skip goes to the next place where a page could begin.
func (s *pageScanner) skip() {
	b, _ := s.in.Peek(s.in.Buffered())
	n := bytes.Index(b[1:], capturePattern) + 1
	if n == 0 { // the pattern may have begun in the last bytes
		n = max(len(b)-len(capturePattern)+1, 1)
	}
	s.in.Discard(n)
	s.stats.SkippedBytes += int64(n)
}

// disregard counts the page returned last as skipped.
func (s *pageScanner) disregard() { s.stats.SkippedBytes += int64(s.size) }
