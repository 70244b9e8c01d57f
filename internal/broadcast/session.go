package broadcast

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"syscall"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/opus"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
)

// Session is a show while it runs. This file is the way of a packet:
//
//	source ─packets─► tracks ─bytes─► outlets
//
// The source yields packets, and a block's worth of them goes to every track,
// which has it on its spool, durable, before the outlets see it. Nothing is sent
// that is not durable, so a crash can never make one sequence number mean two
// things.
type Session struct {
	options *Options
	entry   *entry
	source  capture.Source
	tracks  []*track
	log     *slog.Logger

	blockSamples int             // of a block, at 48 kHz
	listening    context.Context // to the source; ends with errStopped
	stop         context.CancelCauseFunc
	ended        chan struct{} // closed when recording has ended and the rooms are free
}

func newSession(o *Options, e *entry, source capture.Source, tracks []*track) *Session {
	listening, stop := context.WithCancelCause(context.Background())
	show := e.get()
	return &Session{
		options: o, entry: e, source: source, tracks: tracks, log: e.log,
		blockSamples: int(show.Main().BlockDuration.Milliseconds()) * opus.SampleRate / 1000,
		listening:    listening, stop: stop, ended: make(chan struct{}),
	}
}

// aliveInterval is how long a show that runs may be silent towards listeners:
// then a block goes out, with what packets there are, or empty.
const aliveInterval = 10 * time.Second

// maxPacket is far more than 120 ms of Opus have: 48 frames of 1275 bytes.
const maxPacket = 48*opus.MaxPacketSize + 2*48 + 2

// maxBlock is how many bytes of packets make a block, whatever they last: with one
// packet more they are still far from opusblocks.MaxBlockSize.
const maxBlock = 1 << 19

// Why reading the source can end without the source itself saying so.
var (
	errStopped = errors.New("stopped")
	errSilent  = errors.New("silent")
)

// errStorage is wrapped by what the spool's disk refuses.
var errStorage = errors.New("the recording cannot be written")

// record writes packets to the tracks until the source ends or a spool cannot be
// written. Then nothing more is written, and the record says so. When life ends,
// so does the show.
func (s *Session) record(life context.Context) {
	defer context.AfterFunc(life, s.Stop)()
	s.log.Info("on air", "source", capture.Loggable(s.entry.get().Source))
	for _, t := range s.tracks {
		t.send(life, func(o *outlet) { s.sayRefused(life, o) })
		t.readBack(life)
	}
	err := s.recordBlocks()
	s.Stop() // by itself, perhaps; a new show in the room waits for this one to be complete
	if lost := capture.StatsOf(s.source); lost != (capture.Stats{}) {
		s.log.Warn("the source lost sound", "stats", lost)
	}
	if finishErr := finishSpools(s.tracks); finishErr != nil {
		err = errors.Join(err, fmt.Errorf("%w: %w", errStorage, finishErr))
	}
	completeShow(s.entry, s.tracks, err)
	if source, ok := s.source.(capture.ConcludedSource); ok {
		source.Concluded(reason(err))
	}
	if err := s.source.Close(); err != nil {
		s.log.Warn("the source was not closed", "err", err)
	}
}

func (s *Session) recordBlocks() error {
	for {
		packets, endErr := s.nextPackets()
		if endErr != nil {
			return s.finish(packets, endErr)
		}
		err := s.writeBlock(packets)
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
	var samples, size int
	for samples < s.blockSamples && size < maxBlock {
		packet, err := s.read(ctx)
		// A packet that no decoder could use is left out, such as an empty one.
		if n, durationErr := opus.PacketDuration(packet); durationErr == nil && len(packet) <= maxPacket {
			packets, samples, size = append(packets, packet), samples+n, size+len(packet)
		}
		switch cause := context.Cause(ctx); {
		case cause == errSilent:
			return packets, nil
		case cause != nil: // a source may have packets for ever
			return packets, cause
		case err != nil:
			return packets, err
		case s.source.EndTrim() > 0: // what is not sound has to be in the last block
			return packets, io.EOF
		}
	}
	return packets, nil
}

// read returns the next packet. A source that panics ends this show, and no other.
func (s *Session) read(ctx context.Context) (packet []byte, err error) {
	err = capture.Guard(s.log, func() (err error) {
		packet, err = s.source.ReadPacket(ctx)
		return err
	})
	return packet, err
}

func (s *Session) writeBlock(packets [][]byte) error {
	for _, t := range s.tracks {
		if err := t.write(packets, captured(s.source)); err != nil {
			return err
		}
	}
	s.acknowledge()
	return nil
}

// acknowledge tells the source how much of the show is durable.
func (s *Session) acknowledge() {
	if source, ok := s.source.(capture.DurableSource); ok {
		source.Durable(s.tracks[0].position().Samples)
	}
}

// finish writes the end. How the source ended decides what the room will be
// told.
func (s *Session) finish(packets [][]byte, endErr error) error {
	var endTrim int
	if endErr == io.EOF {
		endTrim = min(s.source.EndTrim(), opus.PacketsDuration(packets))
	}
	for _, t := range s.tracks {
		if err := t.finish(packets, endTrim, captured(s.source)); err != nil {
			return fmt.Errorf("%w: %w", errStorage, err)
		}
	}
	s.acknowledge()
	if endErr == io.EOF || endErr == errStopped {
		return nil
	}
	return fmt.Errorf("the source broke off: %w", endErr)
}

// completeShow notes that the files are complete, and how that came. The record
// is saved before a room is told, see the step told.
func completeShow(e *entry, tracks []*track, err error) {
	if err != nil {
		e.log.Error("interrupted", "err", err)
	}
	e.change(func(show *store.Show) {
		show.Stage, show.Reason = store.Concluding, reason(err)
		for i, t := range tracks {
			show.Tracks[i].Extent = t.extent()
		}
	})
}

// reasons are what rooms are told of errors, the first one that is right.
var reasons = []struct {
	err  error
	told string
}{
	{capture.ErrDeviceGone, "the microphone is gone"},
	{capture.ErrLineGone, capture.ErrLineGone.Error()},
	{syscall.ENOSPC, "the disk is full"},
	{errStorage, errStorage.Error()},
	{errUnannounced, errUnannounced.Error()},
	{ErrSpeakerLeft, ErrSpeakerLeft.Error()},
	{ErrNoSpeaker, ErrNoSpeaker.Error()},
	{ErrUnlisted, ErrUnlisted.Error()},
	{ErrEncrypted, ErrEncrypted.Error()},
	{errRestarted, "the bot was restarted in the middle of it"},
}

// reason is what a room is told of an error; "" where there is none. The details
// are for the log: they have paths in them.
func reason(err error) string {
	if err == nil {
		return ""
	}
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return r.told
		}
	}
	return "the source broke off"
}

// sayTimeout is how long rooms may take to be told what they can do without.
const sayTimeout = 30 * time.Second

// sayRefused tells the rooms of a show that runs that listeners get no more of
// it. The recording goes on.
func (s *Session) sayRefused(ctx context.Context, o *outlet) {
	const text = "Nobody can listen live any more: the gateway takes no more of this show. The recording goes on and will be posted here at the end."
	show := s.entry.get()
	if show.Stage != store.Live || o != s.tracks[0].gateway() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sayTimeout)
	defer cancel()
	for _, a := range show.Announcements {
		if err := s.options.Announcer.Say(ctx, a.Room, text); err != nil {
			s.log.Warn("a room was not told", "room", a.Room, "err", err)
		}
	}
}

// Stop ends the show: what was captured is sealed, then the file is ended. It
// does not wait.
func (s *Session) Stop() { s.stop(errStopped) }

// stopAndWait is Stop, and returns the show when all of it is recorded.
func (s *Session) stopAndWait(ctx context.Context) (store.Show, error) {
	s.Stop()
	err := await(ctx, s.ended)
	return s.entry.get(), err
}

// stopping reports whether the show is about to end.
func (s *Session) stopping() bool { return s.listening.Err() != nil }

// Status is how a running show stands.
type Status struct {
	Show     store.Show
	Extent   store.Extent // of the main track so far
	Uploaded int64        // bytes of it that the gateway has confirmed
	LineDown time.Time    // since when the speaker's line is down; zero: it is not
	Playing  string       // what the speaker's program says that it plays; "": it does not say
	// Returning is true while the show comes back after a restart: nothing but its record is known
	// then.
	Returning bool
}

// Status returns how the show stands.
func (s *Session) Status() Status {
	main := s.tracks[0]
	status := Status{Show: s.entry.get(), Extent: main.extent(), Uploaded: main.gateway().uploader.Uploaded()}
	if source, ok := s.source.(capture.LineSource); ok {
		status.LineDown = source.LineDown()
	}
	if source, ok := s.source.(capture.PlayingSource); ok {
		status.Playing = source.Playing()
	}
	return status
}
