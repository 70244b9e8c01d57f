package opusblocks

import (
	"errors"
	"fmt"
	"io"
)

// Seeker finds the block that holds a moment, in a file of which any part can
// be asked for. A guess leads to a place in the file, the first block there
// that opens tells the time, and a wrong guess teaches the next one.
//
// With constant packet sizes the first guess is right, so a seek costs one
// call of Open: see FORMAT.md, "Seeking".
type Seeker struct {
	// Open returns the file's bytes from offset on, for as long as the file
	// grows. It is called once per guess; the bytes of an earlier call are not
	// read any more.
	Open func(offset int64) (io.Reader, error)
	// Table, when there is one, makes the first guess right for files with
	// packets of any size.
	Table SeekTable
	// Size of the file in bytes, where it is finished: guesses stay before it.
	Size int64

	reader *Reader
	size   int   // of the blocks seen so far, in bytes
	length int64 // and in samples
	varies bool  // they are not all alike
	known  point // the latest block seen: what it says of the bytes per sample
}

// point is a place between two blocks.
type point struct{ offset, samples int64 }

// Guesses: how many before the file is read from its beginning; how many bytes
// beyond a landing are read instead of guessing again; and how early to land,
// in bytes, when the guess is no more than an interpolation.
const (
	maxGuesses   = 6
	readForward  = 256 << 10
	guessedEarly = 4 << 10
)

// NewSeeker returns a Seeker that moves r, which must have read block 0.
func NewSeeker(r *Reader, open func(offset int64) (io.Reader, error)) *Seeker {
	return &Seeker{Open: open, reader: r}
}

// Learn tells the seeker of a block that was read, so that guesses get better.
func (s *Seeker) Learn(b Block) {
	if len(b.Packets) == 0 || b.Last {
		return // not a block like the others
	}
	if s.size == 0 {
		s.size, s.length = b.Size, b.End-b.Start
	}
	if b.Size != s.size || b.End-b.Start != s.length {
		s.varies = true
		s.size = max(s.size, b.Size)
	}
	if b.Start > s.known.samples {
		s.known = point{b.Offset, b.Start}
	}
}

// SeekTo moves the reader to the block that holds the sample (at 48 kHz,
// pre-skip included) and returns it; the reader then goes on behind it. Beyond
// the end it returns the last block; beyond the edge of a file that grows it
// reads until the source ends.
func (s *Seeker) SeekTo(sample int64) (Block, error) {
	sample = max(sample, 0)
	low, guess := point{offset: s.reader.first}, s.guess(sample)
	for range maxGuesses {
		block, err := s.land(guess)
		if errors.Is(err, ErrCutOff) && guess > low.offset { // too far, or a wrong table
			guess = max(low.offset, (low.offset+guess)/2-guessedEarly)
			continue
		}
		if err != nil {
			return Block{}, err
		}
		if len(block.Packets) == 0 { // the end, which does not tell its time
			guess = max(low.offset, guess-guessedEarly-int64(s.size))
			continue
		}
		landed := point{block.Offset, block.Start}
		ahead := s.Bytes(sample - landed.samples)
		further := s.within(landed.offset + ahead - guessedEarly)
		switch {
		case landed.samples > sample && guess > low.offset:
			guess = between(low, landed, sample)
		case ahead > readForward && further > landed.offset:
			low, guess = landed, further
		default:
			return s.forward(block, sample)
		}
	}
	block, err := s.land(s.reader.first)
	if err != nil {
		return Block{}, err
	}
	return s.forward(block, sample)
}

// BlockSamples returns how long a block is: 0 while none has been seen.
func (s *Seeker) BlockSamples() int64 { return s.length }

// land opens the file at offset and reads the first block there.
func (s *Seeker) land(offset int64) (Block, error) {
	src, err := s.Open(offset)
	if err != nil {
		return Block{}, fmt.Errorf("seek to byte %d: %w", offset, err)
	}
	s.reader.Jump(src, offset)
	block, err := s.reader.ReadBlock()
	if err == nil {
		s.Learn(block)
	}
	return block, err
}

// forward reads on until the block that holds sample.
func (s *Seeker) forward(block Block, sample int64) (Block, error) {
	for block.End <= sample && !block.Last {
		var err error
		if block, err = s.reader.ReadBlock(); err != nil {
			return Block{}, err
		}
	}
	s.Learn(block)
	return block, nil
}

// guess returns where the block that holds sample may begin: at most there,
// where all blocks are alike, because a block later would be one too late.
func (s *Seeker) guess(sample int64) int64 {
	if offset, ok := s.Table.Lookup(sample); ok {
		return max(offset, s.reader.first)
	}
	return s.within(s.reader.first + s.Bytes(sample) - int64(s.size))
}

// within keeps a guess inside the file, with a whole block behind it.
func (s *Seeker) within(offset int64) int64 {
	if s.Size > 0 {
		offset = min(offset, s.Size-2*int64(s.size))
	}
	return max(offset, s.reader.first)
}

// Bytes estimates how many bytes so much sound takes: 0 while no block has been
// seen. Signs of life make it too few, never too many, where all blocks are
// alike.
func (s *Seeker) Bytes(samples int64) int64 {
	bytes, per := s.Rate()
	if per == 0 {
		return 0
	}
	return int64(float64(samples) * float64(bytes) / float64(per))
}

// Rate returns how many bytes hold how many samples, as far as is known: 0 and 0
// while no block has been seen.
func (s *Seeker) Rate() (bytes, samples int64) {
	if s.varies {
		return s.known.offset - s.reader.first, s.known.samples
	}
	return int64(s.size), s.length
}

// between interpolates inside two proved places, a little early.
func between(low, high point, sample int64) int64 {
	share := float64(sample-low.samples) / float64(high.samples-low.samples)
	guess := low.offset + int64(share*float64(high.offset-low.offset)) - guessedEarly
	return max(guess, low.offset)
}
