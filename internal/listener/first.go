package listener

import (
	"errors"
	"fmt"
	"io"

	"broadcastbot/opusblocks"
)

// beginning is the first blocks of a show, read on their own: from the size of block 1 every seek is
// computed, and the first checkpoint proves what block 0 says. An encrypted head alone says only that
// somebody with the key has made it.
type beginning struct {
	stream *Stream
	reader *opusblocks.Reader
}

// read reads what is there of them, and waits for the first checkpoint if there has to be one.
func (b beginning) read(waiting func()) error {
	block, err := b.reader.ReadBlock()
	if err == nil {
		s := b.stream
		s.seeker.Learn(block)
		s.latest = mark{s.reader.FirstBlock(), 0}
		s.rate.offset, s.rate.sample = s.seeker.Rate()
	}
	for err == nil && !b.reader.IsCovered() {
		_, err = b.reader.ReadBlock()
	}
	if errors.Is(err, opusblocks.ErrCutOff) {
		err = nil // the rest was not asked for, or is still to be spoken
		if !b.reader.IsCovered() {
			err = b.await(waiting)
		}
	}
	if err != nil && err != io.EOF {
		return fmt.Errorf("open the show: %w", err)
	}
	return nil
}

// await reads on to the first checkpoint, over a connection of its own.
func (b beginning) await(waiting func()) error {
	if waiting != nil {
		waiting()
	}
	s := b.stream
	defer s.disconnect()
	for !b.reader.IsCovered() {
		if _, err := s.readRetrying(func() (opusblocks.Block, error) { return s.nextBlock(b.reader) }); err != nil {
			return err
		}
	}
	return nil
}
