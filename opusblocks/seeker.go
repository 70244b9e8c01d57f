package opusblocks

import (
	"io"

	"broadcastbot/opusblocks/blocks"
)

// Seeker finds the block that holds a moment, in a file of which any part can be
// requested. With constant packet sizes that costs one call of Open: see FORMAT.md,
// "Seeking".
type Seeker struct {
	*blocks.Seeker // by samples at 48 kHz, pre-skip included

	// Table, if it is not empty, makes the first guess right also where packets vary
	// in size.
	Table SeekTable

	file timed
}

// NewSeeker returns a Seeker that moves r, which must have read block 0. open is
// the Seeker's Open.
func NewSeeker(r *Reader, open func(offset int64) (io.Reader, error)) *Seeker {
	s := &Seeker{file: timed{Reader: r}}
	s.Seeker = blocks.NewSeeker(&s.file, open, func(sample int64) (int64, bool) { return s.Table.Lookup(sample) })
	s.ExtraEvery = CheckpointInterval
	return s
}

// Learn makes later guesses better by a block that was read.
func (s *Seeker) Learn(b Block) { s.Seeker.Learn(b.span()) }

// SeekTo moves the reader to the block that holds the sample (at 48 kHz, pre-skip
// included) and returns it; the reader then goes on behind it. Beyond the end it
// returns the last block; beyond the edge of a file that grows it reads until the
// source ends.
//
// Where the reader knows who signs the file, SeekTo begins to read so much earlier that
// a checkpoint has been proven when it returns: what is read from there on is covered.
func (s *Seeker) SeekTo(sample int64) (Block, error) {
	from := sample
	if s.file.verifier != nil {
		from -= CheckpointInterval + s.BlockLength()
	}
	for {
		if _, err := s.Seeker.SeekTo(from); err != nil {
			return Block{}, err
		}
		for s.file.block.End <= sample && !s.file.block.Last {
			if _, err := s.file.NextSpan(); err != nil {
				return Block{}, err
			}
		}
		if s.file.IsCovered() || from <= 0 {
			return s.file.block, nil
		}
		from -= CheckpointInterval // a block was longer than those before
	}
}

// timed is a Reader in which blocks are found by their time.
type timed struct {
	*Reader
	block Block // the block that was read last
}

// NextSpan implements [blocks.Measured].
func (t *timed) NextSpan() (blocks.Span, error) {
	block, err := t.ReadBlock()
	if err != nil {
		return blocks.Span{}, err
	}
	t.block = block
	return block.span(), nil
}

func (b Block) span() blocks.Span {
	return blocks.Span{Offset: b.Offset, Size: b.Size, Extra: b.extra, From: b.Start, To: b.End, Last: b.Last}
}
