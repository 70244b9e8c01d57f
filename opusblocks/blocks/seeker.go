package blocks

import (
	"errors"
	"fmt"
	"io"
)

// Seeker finds the block that holds a value, in a file of which any part can be
// requested. The value is a number that grows along the file and that every block
// says of itself: its sequence number, or something in its payload, such as the
// time. The seeker guesses a byte of the file, reads the first block that opens
// there, and corrects the guess by the value of that block.
//
// With blocks of one size the first guess is right, so a seek costs one call of
// Open: see FORMAT.md, "Finding a block".
type Seeker struct {
	// Open returns the file's bytes from offset on, for as long as the file grows.
	// It is called once per guess; the bytes of an earlier call are not read any
	// more.
	Open func(offset int64) (io.Reader, error)
	// Size of the file in bytes, where it is finished: guesses stay before it.
	Size int64

	// ExtraEvery is the distance, in the unit of the value, after which the next block
	// has Span.Extra bytes more than the others; 0: none has.
	ExtraEvery int64

	file   Measured
	hint   func(value int64) (offset int64, ok bool)
	size   int   // of the blocks seen so far, in bytes, without Extra
	length int64 // and in the unit of the value
	extra  int   // of those that have it, in bytes
	varies bool  // they are not all alike
	known  place // the latest block seen, from which the bytes per value follow
}

// Measured is a reader that a Seeker moves.
type Measured interface {
	FirstBlock() int64
	Jump(src io.Reader, offset int64)
	// NextSpan reads the next block and says what it holds.
	NextSpan() (Span, error)
}

// Span is where a block stands in the file, and which values it holds: From is the
// first of them, To the first that it does not hold. In a block without values
// the two are equal.
type Span struct {
	Offset   int64 // of its first byte in the file
	Size     int   // bytes
	Extra    int   // of them only blocks have which stand at certain distances
	From, To int64
	Last     bool // no block follows
}

func (s Span) empty() bool { return s.From == s.To }

// place is where in the file a value is.
type place struct{ offset, value int64 }

const (
	maxGuesses   = 6         // before the file is read from its beginning
	readForward  = 256 << 10 // bytes that are read on rather than guessing again
	guessedEarly = 4 << 10   // bytes by which a guess is early that is interpolated
)

// NewSeeker returns a Seeker that moves file, which must have read block 0. hint
// says at which byte the block of a value begins, if that is known. It may be nil;
// a wrong hint only costs requests.
func NewSeeker(file Measured, open func(offset int64) (io.Reader, error), hint func(value int64) (offset int64, ok bool)) *Seeker {
	if hint == nil {
		hint = func(int64) (int64, bool) { return 0, false }
	}
	return &Seeker{Open: open, file: file, hint: hint}
}

// Learn makes later guesses better by a block that was read.
func (s *Seeker) Learn(b Span) {
	if b.empty() || b.Last {
		return // not a block like the others
	}
	size := b.Size - b.Extra
	s.extra = max(s.extra, b.Extra)
	if s.size == 0 {
		s.size, s.length = size, b.To-b.From
	}
	if size != s.size || b.To-b.From != s.length {
		s.varies = true
		s.size = max(s.size, size)
	}
	if b.From > s.known.value {
		s.known = place{b.Offset, b.From}
	}
}

// SeekTo moves the reader to the block that holds the value and returns it; the
// reader then goes on behind it. Beyond the end it returns the last block; beyond
// the edge of a file that grows it reads until the source ends.
func (s *Seeker) SeekTo(value int64) (Span, error) {
	value = max(value, 0)
	low, guess := place{offset: s.file.FirstBlock()}, s.guess(value)
	for range maxGuesses {
		block, err := s.readAt(guess)
		switch {
		case errors.Is(err, ErrCutOff) && guess > low.offset: // too far, or a wrong hint
			guess = max(low.offset, (low.offset+guess)/2-guessedEarly)
		case err != nil:
			return Span{}, err
		case block.empty(): // the last block, which has no value to compare
			guess = max(low.offset, guess-guessedEarly-int64(s.size))
		default:
			var near bool
			if low, guess, near = s.correct(low, guess, block, value); near {
				return s.forward(block, value)
			}
		}
	}
	block, err := s.readAt(s.file.FirstBlock())
	if err != nil {
		return Span{}, err
	}
	return s.forward(block, value)
}

// BlockLength returns how many values a block holds: 0 while none has been seen.
func (s *Seeker) BlockLength() int64 { return s.length }

// readAt opens the file at offset and reads the first block there.
func (s *Seeker) readAt(offset int64) (Span, error) {
	src, err := s.Open(offset)
	if err != nil {
		return Span{}, fmt.Errorf("seek to byte %d: %w", offset, err)
	}
	s.file.Jump(src, offset)
	block, err := s.file.NextSpan()
	if err == nil {
		s.Learn(block)
	}
	return block, err
}

// correct makes a better guess from the block that was found by the last one. near
// means that none is needed: the wanted block is this one or not far behind it.
func (s *Seeker) correct(low place, guess int64, block Span, value int64) (newLow place, better int64, near bool) {
	found := place{block.Offset, block.From}
	ahead := s.Bytes(value - found.value)
	further := s.within(found.offset + ahead - guessedEarly)
	switch {
	case found.value > value && guess > low.offset:
		return low, between(low, found, value), false
	case ahead > readForward && further > found.offset:
		return found, further, false
	}
	return low, guess, true
}

// forward reads on until the block that holds value.
func (s *Seeker) forward(block Span, value int64) (Span, error) {
	for block.To <= value && !block.Last {
		var err error
		if block, err = s.file.NextSpan(); err != nil {
			return Span{}, err
		}
	}
	s.Learn(block)
	return block, nil
}

// guess returns the byte at which to look first for the block that holds value. If
// all blocks are alike, that block begins there or a little behind, never before.
func (s *Seeker) guess(value int64) int64 {
	first := s.file.FirstBlock()
	if offset, ok := s.hint(value); ok {
		return max(offset, first)
	}
	return s.within(first + s.Bytes(value) - int64(s.size))
}

// within moves a guess into the file, so that a whole block follows it.
func (s *Seeker) within(offset int64) int64 {
	if s.Size > 0 {
		offset = min(offset, s.Size-2*int64(s.size))
	}
	return max(offset, s.file.FirstBlock())
}

// Bytes estimates how many bytes hold that many values: 0 while no block has been
// seen. If all blocks with values are alike, it is never too many; blocks without
// values between them make it too few.
func (s *Seeker) Bytes(values int64) int64 {
	bytes, per := s.Rate()
	if per == 0 {
		return 0
	}
	return int64(float64(values) * float64(bytes) / float64(per))
}

// Rate returns a number of bytes and how many values they hold, as far as is
// known: 0 and 0 while no block has been seen.
func (s *Seeker) Rate() (bytes, values int64) {
	switch {
	case s.varies:
		return s.known.offset - s.file.FirstBlock(), s.known.value
	case s.extra == 0 || s.ExtraEvery == 0 || s.length == 0:
		return int64(s.size), s.length
	}
	blocks := (s.ExtraEvery + s.length - 1) / s.length // of which one has them
	return blocks*int64(s.size) + int64(s.extra), blocks * s.length
}

// between interpolates between two authenticated places, a little early.
func between(low, high place, value int64) int64 {
	share := float64(value-low.value) / float64(high.value-low.value)
	guess := low.offset + int64(share*float64(high.offset-low.offset)) - guessedEarly
	return max(guess, low.offset)
}
