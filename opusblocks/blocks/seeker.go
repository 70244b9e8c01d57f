package blocks

import (
	"errors"
	"fmt"
	"io"
)

// Seeker finds the block that holds a value, in a file of which any part can be
// asked for. The value is of something that grows along the file and that every
// block says of itself: its sequence number, or what the payload tells, such as
// the time. A guess leads to a place in the file, the first block there that
// opens tells its value, and a wrong guess teaches the next one.
//
// With blocks of one size the first guess is right, so a seek costs one call of
// Open: see FORMAT.md, "Seeking".
type Seeker struct {
	// Open returns the file's bytes from offset on, for as long as the file grows.
	// It is called once per guess; the bytes of an earlier call are not read any
	// more.
	Open func(offset int64) (io.Reader, error)
	// Size of the file in bytes, where it is finished: guesses stay before it.
	Size int64

	file   Measured
	hint   func(value int64) (offset int64, ok bool)
	size   int   // of the blocks seen so far, in bytes
	length int64 // and in the unit of the value
	varies bool  // they are not all alike
	known  place // the latest block seen: what it says of the bytes per value
}

// Measured is a reader that a Seeker moves.
type Measured interface {
	FirstBlock() int64
	Jump(src io.Reader, offset int64)
	// NextSpan reads the next block and says what it holds.
	NextSpan() (Span, error)
}

// Span is where a block stands in the file, and which values it holds: those
// from From on and below To. A block that holds none has the two alike.
type Span struct {
	Offset   int64 // of its first byte in the file
	Size     int   // bytes
	From, To int64
	Last     bool // there is no block behind it
}

func (s Span) empty() bool { return s.From == s.To }

// place is where in the file a value is.
type place struct{ offset, value int64 }

// Guesses: how many before the file is read from its beginning; how many bytes
// beyond a landing are read instead of guessing again; and how early to land, in
// bytes, when the guess is no more than an interpolation.
const (
	maxGuesses   = 6
	readForward  = 256 << 10
	guessedEarly = 4 << 10
)

// NewSeeker returns a Seeker that moves file, which must have read block 0. hint
// may be nil. It says where the block of a value begins, as far as that is known;
// a wrong hint costs requests.
func NewSeeker(file Measured, open func(offset int64) (io.Reader, error), hint func(value int64) (offset int64, ok bool)) *Seeker {
	if hint == nil {
		hint = func(int64) (int64, bool) { return 0, false }
	}
	return &Seeker{Open: open, file: file, hint: hint}
}

// Learn tells the seeker of a block that was read, so that guesses get better.
func (s *Seeker) Learn(b Span) {
	if b.empty() || b.Last {
		return // not a block like the others
	}
	if s.size == 0 {
		s.size, s.length = b.Size, b.To-b.From
	}
	if b.Size != s.size || b.To-b.From != s.length {
		s.varies = true
		s.size = max(s.size, b.Size)
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
		block, err := s.land(guess)
		switch {
		case errors.Is(err, ErrCutOff) && guess > low.offset: // too far, or a wrong hint
			guess = max(low.offset, (low.offset+guess)/2-guessedEarly)
		case err != nil:
			return Span{}, err
		case block.empty(): // the last block, which does not say where it is
			guess = max(low.offset, guess-guessedEarly-int64(s.size))
		default:
			var near bool
			if low, guess, near = s.correct(low, guess, block, value); near {
				return s.forward(block, value)
			}
		}
	}
	block, err := s.land(s.file.FirstBlock())
	if err != nil {
		return Span{}, err
	}
	return s.forward(block, value)
}

// BlockLength returns how many values a block holds: 0 while none has been seen.
func (s *Seeker) BlockLength() int64 { return s.length }

// land opens the file at offset and reads the first block there.
func (s *Seeker) land(offset int64) (Span, error) {
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

// correct makes a better guess of where a guess has led to. near says that it
// needs none: the wanted block is the one there or a little ahead.
func (s *Seeker) correct(low place, guess int64, block Span, value int64) (newLow place, better int64, near bool) {
	landed := place{block.Offset, block.From}
	ahead := s.Bytes(value - landed.value)
	further := s.within(landed.offset + ahead - guessedEarly)
	switch {
	case landed.value > value && guess > low.offset:
		return low, between(low, landed, value), false
	case ahead > readForward && further > landed.offset:
		return landed, further, false
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

// guess returns where the block that holds value may begin: at most there, where
// all blocks are alike, because a block later would be one too late.
func (s *Seeker) guess(value int64) int64 {
	first := s.file.FirstBlock()
	if offset, ok := s.hint(value); ok {
		return max(offset, first)
	}
	return s.within(first + s.Bytes(value) - int64(s.size))
}

// within keeps a guess inside the file, with a whole block behind it.
func (s *Seeker) within(offset int64) int64 {
	if s.Size > 0 {
		offset = min(offset, s.Size-2*int64(s.size))
	}
	return max(offset, s.file.FirstBlock())
}

// Bytes estimates how many bytes so many values take: 0 while no block has been
// seen. Blocks that hold none make it too few, never too many, where all others
// are alike.
func (s *Seeker) Bytes(values int64) int64 {
	bytes, per := s.Rate()
	if per == 0 {
		return 0
	}
	return int64(float64(values) * float64(bytes) / float64(per))
}

// Rate returns how many bytes hold how many values, as far as is known: 0 and 0
// while no block has been seen.
func (s *Seeker) Rate() (bytes, values int64) {
	if s.varies {
		return s.known.offset - s.file.FirstBlock(), s.known.value
	}
	return int64(s.size), s.length
}

// between interpolates inside two proved places, a little early.
func between(low, high place, value int64) int64 {
	share := float64(value-low.value) / float64(high.value-low.value)
	guess := low.offset + int64(share*float64(high.offset-low.offset)) - guessedEarly
	return max(guess, low.offset)
}

// Numbered is a Reader in which a [Seeker] finds blocks by their sequence number.
type Numbered struct {
	*Reader
	Block Block // the block that was read last
}

// NextSpan implements [Measured].
func (n *Numbered) NextSpan() (Span, error) {
	block, err := n.Next()
	if err != nil {
		return Span{}, err
	}
	n.Block = block
	return Span{
		Offset: block.Offset, Size: block.Size,
		From: int64(block.Sequence), To: int64(block.Sequence) + 1,
	}, nil
}
