package opusblocks

import (
	"io"

	"broadcastbot/opusblocks/blocks"
)

// Seeker finds the block that holds a moment, in a file of which any part can be
// asked for. It guesses, and the time that a block tells corrects the guess.
//
// With constant packet sizes the first guess is right, so a seek costs one call
// of Open: see FORMAT.md, "Seeking".
type Seeker struct {
	*blocks.Seeker // by samples at 48 kHz, pre-skip included

	// Table, when there is one, makes the first guess right for files with packets
	// of any size.
	Table SeekTable

	file timed
}

// NewSeeker returns a Seeker that moves r, which must have read block 0. open
// returns the file's bytes from offset on, for as long as the file grows. It is
// called once per guess; the bytes of an earlier call are not read any more.
func NewSeeker(r *Reader, open func(offset int64) (io.Reader, error)) *Seeker {
	s := &Seeker{file: timed{Reader: r}}
	s.Seeker = blocks.NewSeeker(&s.file, open, func(sample int64) (int64, bool) { return s.Table.Lookup(sample) })
	return s
}

// Learn tells the seeker of a block that was read, so that guesses get better.
func (s *Seeker) Learn(b Block) { s.Seeker.Learn(b.span()) }

// SeekTo moves the reader to the block that holds the sample (at 48 kHz, pre-skip
// included) and returns it; the reader then goes on behind it. Beyond the end it
// returns the last block; beyond the edge of a file that grows it reads until the
// source ends.
func (s *Seeker) SeekTo(sample int64) (Block, error) {
	if _, err := s.Seeker.SeekTo(sample); err != nil {
		return Block{}, err
	}
	return s.file.block, nil
}

// timed is a reader in which blocks are sought by their time.
type timed struct {
	*Reader
	block Block // that was read last
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
	return blocks.Span{Offset: b.Offset, Size: b.Size, From: b.Start, To: b.End, Last: b.Last}
}
