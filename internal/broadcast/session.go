package broadcast

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/livefile"
	"broadcastbot/internal/opus"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
	"broadcastbot/uploader"
)

// Session is a broadcast while it runs. This file is the way of a packet:
//
//	source ─packets─► opusblocks.Writer ─blocks─► spool ─bytes─► uploader
//
// The source yields packets, the writer seals a handful of them into a block (or
// lays them out as a page of a plain file, where the room is not encrypted), the spool makes the block durable and wakes the uploader, which follows the
// spool and sends it on. Nothing is sent that is not durable, so a crash can
// never make one sequence number mean two things.
type Session struct {
	source   capture.Source
	blocks   *opusblocks.Writer // nil where nothing more may be written, see reopen
	spool    *livefile.File
	uploader *uploader.Uploader
	log      *slog.Logger

	endErr    error           // why it is over; for a session without a writer
	listening context.Context // to the source; ends with errStopped
	stop      context.CancelCauseFunc
	recorded  chan struct{} // closed when there will be no more sound
	done      chan struct{} // closed when the room has been told the end

	mu        sync.Mutex
	broadcast *store.Broadcast
	position  time.Duration // of the sound on the spool
}

// aliveInterval is how long a show that runs may be silent towards listeners:
// then a block goes out, with what packets there are, or empty.
const aliveInterval = 10 * time.Second

// maxPacket is far more than 120 ms of Opus have: 48 frames of 1275 bytes.
const maxPacket = 48*opus.MaxPacketSize + 2*48 + 2

// Why reading the source can end without the source itself saying so.
var (
	errStopped = errors.New("stopped")
	errSilent  = errors.New("silent")
)

// errStorage is wrapped by what the spool's disk refuses.
var errStorage = errors.New("the recording can not be written")

// record carries packets from the source into blocks on the spool. It
// returns nil when the show came to its end, and else why there is no more
// sound. Either way the spool is finished: what is on it is all and is good.
func (s *Session) record() error {
	defer close(s.recorded)
	if s.blocks == nil {
		return errors.Join(s.endErr, s.spool.Finish())
	}
	err := s.carry()
	if lost := capture.StatsOf(s.source); lost != (capture.Stats{}) {
		s.log.Warn("the source was not whole", "stats", lost)
	}
	return errors.Join(err, s.source.Close(), s.spool.Finish())
}

func (s *Session) carry() error {
	for {
		packets, endErr := s.nextPackets()
		if endErr != nil {
			return s.finish(packets, endErr)
		}
		err := s.write(packets)
		if errors.Is(err, opusblocks.ErrFull) {
			return s.finish(packets, errStopped)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errStorage, err)
		}
	}
}

// nextPackets returns a block's worth of packets. It returns fewer, perhaps
// none, when the source is silent for aliveInterval, and, with the error that
// says why, at the end.
func (s *Session) nextPackets() ([][]byte, error) {
	ctx, cancel := context.WithTimeoutCause(s.listening, aliveInterval, errSilent)
	defer cancel()
	var packets [][]byte
	var samples int
	for samples < s.blockSamples() {
		packet, err := s.source.ReadPacket(ctx)
		// A packet that is none is left out: no decoder could use it.
		if n, durationErr := opus.PacketDuration(packet); durationErr == nil && len(packet) <= maxPacket {
			packets, samples = append(packets, packet), samples+n
		}
		switch {
		case err == nil:
		case ctx.Err() == nil:
			return packets, err
		case context.Cause(ctx) == errSilent:
			return packets, nil
		default:
			return packets, context.Cause(ctx)
		}
	}
	return packets, nil
}

func (s *Session) blockSamples() int {
	return int(s.broadcast.BlockDuration.Milliseconds()) * opus.SampleRate / 1000
}

// write makes a block of packets, or makes a sign of life out of none.
func (s *Session) write(packets [][]byte) error {
	if len(packets) == 0 {
		return s.blocks.KeepAlive()
	}
	if err := s.blocks.WriteBlock(packets); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.position = opus.Duration(s.blocks.Position().Samples)
	return nil
}

// finish writes the end. How the source ended decides what the
// room will be told.
func (s *Session) finish(packets [][]byte, endErr error) error {
	var endTrim int
	if endErr == io.EOF { // more than the last block can not be trimmed
		endTrim = min(s.source.EndTrim(), samplesOf(packets))
	}
	if err := s.blocks.Finish(packets, endTrim); err != nil {
		return fmt.Errorf("%w: %w", errStorage, err)
	}
	if endErr == io.EOF || endErr == errStopped {
		return nil
	}
	return fmt.Errorf("the source broke off: %w", endErr)
}

func samplesOf(packets [][]byte) (samples int) {
	for _, packet := range packets {
		n, _ := opus.PacketDuration(packet) // nextPackets has checked them
		samples += n
	}
	return samples
}

// Stop ends the show: what was captured is sealed, then the file is ended. It
// does not wait.
func (s *Session) Stop() { s.stop(errStopped) }

// Status is how a running show stands.
type Status struct {
	Broadcast store.Broadcast
	Position  time.Duration // of the sound recorded so far
	Size      int64         // bytes of the recording
	Uploaded  int64         // bytes of it that the gateway has confirmed
}

// Status returns how the show stands.
func (s *Session) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Status{
		Broadcast: *s.broadcast, Position: s.position,
		Size: s.spool.Size(), Uploaded: s.uploader.Uploaded(),
	}
}

// set replaces the record under the lock that Status takes.
func (s *Session) set(b store.Broadcast) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*s.broadcast = b
}
