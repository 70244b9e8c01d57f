package listener

import (
	"errors"
	"io"
	"time"

	"broadcastbot/internal/opus"
	"broadcastbot/opusblocks"
)

// preRoll is how much sound before the wanted moment is decoded and thrown away: a
// decoder that starts in the middle first has to reach the right state. With the
// 80 ms that RFC 7845, 4.6 asks for, one seek in twenty can be heard to be wrong.
const preRoll = 300 * opus.SampleRate / 1000 // samples: 300 ms

// SeekTo goes to a moment of the show. The packets that come next begin with the
// pre-roll, whose length Discard returns. Beyond the edge of a live show it goes to
// the edge; beyond the end of a finished one ReadPacket returns io.EOF.
//
// It costs one request. It may cost more where packets vary in size, or on a live
// show when the moment is later than all that this listener has seen.
func (s *Stream) SeekTo(moment time.Duration) error {
	target := opus.Samples(moment) + int64(s.head.PreSkip)
	from := max(0, target-preRoll)
	if target > s.farthest && s.seeker.Size == 0 {
		size, finished, err := s.fetch.edge(s.ctx)
		if err != nil {
			return err
		}
		if finished {
			s.seeker.Size = size
		} else if s.reader.FirstBlock()+s.seeker.Bytes(from) >= size {
			s.goLive(size)
			return nil
		}
	}
	s.block, s.given, s.skipTo = opusblocks.Block{}, 0, 0
	block, err := s.readRetrying(func() (opusblocks.Block, error) { return s.seeker.SeekTo(from) })
	if err != nil {
		return ignoreEnd(err)
	}
	s.useBlock(block)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skipPackets(from)
	s.discard = int(max(0, target-s.sample))
	return nil
}

// skipPackets skips the packets of the block that end at or before a sample.
func (s *Stream) skipPackets(before int64) {
	for s.given < len(s.block.Packets) {
		samples, _ := opus.PacketDuration(s.block.Packets[s.given]) // the reader has checked it
		if s.sample+int64(samples) > before {
			return
		}
		s.given++
		s.sample += int64(samples)
	}
}

// GoLive goes to the edge of a live show: the next packets are the newest.
func (s *Stream) GoLive() error {
	size, _, err := s.fetch.edge(s.ctx)
	if err != nil {
		return err
	}
	s.goLive(size)
	return nil
}

// goLive goes back from the edge, which is at size bytes, by a pre-roll and a
// block; of a signed show it reads from so far before that a checkpoint covers what
// is heard. The next read makes the connection.
func (s *Stream) goLive(size int64) {
	near := preRoll + s.seeker.BlockLength()
	s.skipTo = size - s.seeker.Bytes(near)
	s.discard = int(preRoll)
	offset := s.skipTo
	if s.proof.signed {
		offset = size - s.seeker.Bytes(near+opusblocks.CheckpointInterval+s.seeker.BlockLength())
	}
	if first := s.reader.FirstBlock(); s.skipTo <= first {
		s.discard = s.head.PreSkip
		offset = first
	} else {
		offset = max(offset, first)
	}
	s.disconnect()
	s.reader.Jump(nil, offset)
	s.block, s.given = opusblocks.Block{}, 0
}

// ignoreEnd drops the error of a seek to the end, which has not failed: ReadPacket
// will return that error.
func ignoreEnd(err error) error {
	if err == io.EOF || errors.Is(err, opusblocks.ErrCutOff) {
		return nil
	}
	return err
}
