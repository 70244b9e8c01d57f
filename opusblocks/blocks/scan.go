package blocks

import (
	"bytes"
	"errors"
	"io"
	"iter"
)

// Scanned is one part of a file, as it looks without the key: a block, or bytes
// that belong to no block.
type Scanned struct {
	Offset int64
	Size   int64
	Header Header // zero for bytes that belong to no block
	Epoch  Epoch  // likewise
	Err    error  // what is wrong; nil for an intact block
}

// Scan goes through a sealed file without its key. It finds blocks by their
// headers, compares their checksums where they have one, and yields the bytes
// between blocks too, so that the parts cover the whole file. It stops at the end
// of the file or at the first error of r, which it yields (ErrCutOff for a block
// that is not whole).
func Scan(r io.Reader) iter.Seq[Scanned] {
	return func(yield func(Scanned) bool) {
		s := scanner{yield: yield}
		s.queue.reset(r)
		s.run()
	}
}

var markerBytes = []byte{0xFF, 0xFF, 0xFF, 0xFF}

type scanner struct {
	queue   byteQueue
	yield   func(Scanned) bool
	offset  int64
	garbage int64 // bytes before offset that belong to no block
	next    uint32
	epoch   Epoch
}

func (s *scanner) run() {
	start, err := s.queue.peek(len(magic))
	if string(start) != magic {
		s.yield(Scanned{Size: int64(len(start)), Err: errors.Join(ErrNotBlocks, noEOF(err))})
		return
	}
	s.advance(len(magic))
	for s.step() {
	}
}

func (s *scanner) advance(n int) {
	s.queue.discard(n)
	s.offset += int64(n)
}

// step reads the next block, or skips one byte where no block begins.
func (s *scanner) step() bool {
	raw, err := s.queue.peek(HeaderSize)
	if err != nil {
		return s.end(raw, err)
	}
	h := rawHeader(raw)
	if !h.plausible() {
		s.skip()
		return true
	}
	block, err := s.queue.peek(HeaderSize + int(h.length()))
	if err == io.EOF && bytes.Contains(block[4:], markerBytes) {
		s.skip() // the length is damaged, not the end missing
		return true
	}
	if err != nil {
		return s.end(block, err)
	}
	if h = rawHeader(block); h.checksum() != 0 && h.checksum() != checksumOf(block) {
		if s.garbage > 0 || !s.followed(len(block)) {
			s.skip() // a marker by chance
			return true
		}
		return s.found(block, ErrForged)
	}
	return s.found(block, nil)
}

func (s *scanner) skip() {
	s.advance(1)
	s.garbage++
}

// followed reports whether another block, or the end, comes after n bytes: then
// these bytes are a damaged block and no marker that occurs by chance.
func (s *scanner) followed(n int) bool {
	ahead, err := s.queue.peek(n + HeaderSize)
	return err == nil && rawHeader(ahead[n:]).plausible() || len(ahead) == n
}

// found yields a block and, before it, the bytes that were skipped.
func (s *scanner) found(block []byte, err error) bool {
	if !s.yieldGarbage() {
		return false
	}
	h, epoch := rawHeader(block).header(), epochOf(block[HeaderSize:])
	if err == nil && (h.Sequence != s.next || !epoch.follows(s.epoch, h.Sequence)) {
		err = ErrOrder
	}
	s.next, s.epoch = h.Sequence+1, epoch
	at := s.offset
	s.advance(len(block))
	return s.yield(Scanned{Offset: at, Size: s.offset - at, Header: h, Epoch: epoch, Err: err})
}

func (s *scanner) yieldGarbage() bool {
	n := s.garbage
	s.garbage = 0
	return n == 0 || s.yield(Scanned{Offset: s.offset - n, Size: n, Err: ErrMalformed})
}

// end yields the bytes that are left over and how the source ended.
func (s *scanner) end(rest []byte, err error) bool {
	if s.yieldGarbage() && (len(rest) > 0 || noEOF(err) != nil) {
		s.yield(Scanned{Offset: s.offset, Size: int64(len(rest)), Err: errors.Join(ErrCutOff, noEOF(err))})
	}
	return false
}

func noEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
