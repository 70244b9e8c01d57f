package studioline

import (
	"context"
	"fmt"
	"io"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/opus"
)

const (
	// maxQueued is how many packets wait for the show at most. A line that brings more has to wait.
	maxQueued = 250
	// lineSilence is how long nothing may come before a line counts as down.
	lineSilence = 6 * time.Second
)

// source yields what the lines of a pass bring, one line after the other, each packet once. The
// studio's lock guards it.
type source struct {
	pass    *activePass
	encoder opus.EncoderOptions // how the page encodes
	format  capture.Format
	slot    int // bytes that each packet has; 0: packets vary in size
	resumed bool

	next     int64         // number of the packet that is expected next
	queue    []packet      // that wait for the show
	count    int64         // how many packets the show has; -1: it goes on
	news     chan struct{} // closed at the next change
	begun    bool          // the show reads
	heard    time.Time     // when the latest packet came, or the show began to wait for one
	captured time.Time     // the end of the packet that was read last
	pace     pace          // at which packets come
	reason   string        // why the show is over
}

// packet is a packet, and when its end was captured.
type packet struct {
	data     []byte
	captured time.Time
}

var (
	_ capture.Source          = (*source)(nil)
	_ capture.DurableSource   = (*source)(nil)
	_ capture.CapturedSource  = (*source)(nil)
	_ capture.LineSource      = (*source)(nil)
	_ capture.ConcludedSource = (*source)(nil)
)

func newSource(a *activePass, o capture.Options) *source {
	if o.Resumed {
		o.Encoder = likeBefore(o.Encoder, o.Bitrate)
	}
	s := &source{
		pass: a, encoder: o.Encoder, resumed: o.Resumed, next: o.Recorded / packetSamples, count: -1, news: make(chan struct{}), heard: time.Now(),
		format: capture.Format{Channels: o.Encoder.Channels, PreSkip: a.preSkip},
	}
	if !o.Resumed { // nothing was spoken before
		s.pace.captured = s.heard
	}
	a.durable = s.next
	if !o.Encoder.VBR {
		s.format.Bitrate = o.Encoder.Bitrate
		s.slot = o.Encoder.Bitrate * packetSamples / opus.SampleRate / 8
	}
	return s
}

// likeBefore is how a show is encoded that began with this bitrate; 0: with packets that vary in size.
func likeBefore(encoder opus.EncoderOptions, bitrate int) opus.EncoderOptions {
	if encoder.VBR = bitrate == 0; !encoder.VBR {
		encoder.Bitrate = bitrate
	}
	return encoder
}

func (s *source) lock() (unlock func()) {
	s.pass.studio.mu.Lock()
	return s.pass.studio.mu.Unlock
}

// changed wakes who waits. The caller holds the lock.
func (s *source) changed() {
	close(s.news)
	s.news = make(chan struct{})
}

func (s *source) Format() capture.Format { return s.format }
func (s *source) EndTrim() int           { return 0 }

// ReadPacket waits through broken lines, for as long as the grace time.
func (s *source) ReadPacket(ctx context.Context) ([]byte, error) {
	for {
		packet, news, patience, err := s.take()
		if packet != nil || err != nil {
			return packet, err
		}
		select {
		case <-news:
		case <-time.After(patience):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take returns the next packet, or what to wait for and for how long.
func (s *source) take() (packet []byte, news <-chan struct{}, patience time.Duration, err error) {
	defer s.lock()()
	if !s.begun {
		s.begun, s.heard = true, time.Now()
	}
	if len(s.queue) > 0 {
		packet, s.captured = s.queue[0].data, s.queue[0].captured
		s.queue = s.queue[1:]
		s.changed()
		return packet, nil, 0, nil
	}
	if s.count >= 0 && s.next >= s.count {
		return nil, nil, 0, io.EOF
	}
	patience = s.pass.studio.Grace - time.Since(s.heard)
	if patience <= 0 {
		return nil, nil, 0, capture.ErrLineGone
	}
	return nil, s.news, patience, nil
}

// push adds a packet that a line has brought. What is here already is skipped. The error is a sentence
// for the page.
func (s *source) push(ctx context.Context, l *line, number int64, p packet) error {
	for {
		news, err := s.tryPush(l, number, p)
		if news == nil {
			return err
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil // nobody is there to be told
		}
	}
}

// tryPush returns what to wait for if there is no room.
func (s *source) tryPush(l *line, number int64, p packet) (full <-chan struct{}, err error) {
	defer s.lock()()
	isOver := s.pass.source != s || s.count >= 0 && number >= s.count
	switch {
	case isOver || s.pass.line != l || number < s.next:
		return nil, nil
	case number > s.next:
		return nil, fmt.Errorf("packet %d was sent where %d is wanted", number, s.next)
	case len(s.queue) >= maxQueued:
		return s.news, nil
	}
	p.data, err = s.fit(p.data)
	if err != nil {
		return nil, fmt.Errorf("packet %d cannot be recorded: %w", number, err)
	}
	s.heard = time.Now()
	p.captured = s.pace.note(s.heard, p.captured)
	s.queue = append(s.queue, p)
	s.next++
	s.changed()
	return nil, nil
}

// fit returns the packet in the size that all have.
func (s *source) fit(packet []byte) ([]byte, error) {
	samples, err := opus.PacketDuration(packet)
	switch {
	case err != nil:
		return nil, err
	case samples != packetSamples:
		return nil, fmt.Errorf("it lasts %v, not 20 ms", opus.Duration(int64(samples)))
	case s.slot == 0 && len(packet) <= opus.MaxPacketSize:
		return packet, nil
	case s.slot == 0:
		return nil, fmt.Errorf("it has %d bytes, more than %d", len(packet), opus.MaxPacketSize)
	}
	fitting, err := opus.PadTo(nil, packet, s.slot)
	if err != nil {
		return nil, fmt.Errorf("it does not fit into the %d bytes that each packet has: %w", s.slot, err)
	}
	return fitting, nil
}

// Durable acknowledges what is on the disk.
func (s *source) Durable(samples int64) {
	defer s.lock()()
	s.pass.durable = samples / packetSamples
	s.pass.line.post(s.pass.acknowledgement())
}

// Captured is what the page says of the packet that was read last, as far as that is believed.
func (s *source) Captured() time.Time {
	defer s.lock()()
	return s.captured
}

// LineDown tells since when nothing has come.
func (s *source) LineDown() time.Time {
	defer s.lock()()
	if len(s.queue) > 0 || s.pass.line != nil && time.Since(s.heard) < lineSilence {
		return time.Time{}
	}
	return s.heard
}

// Concluded notes why the show is over.
func (s *source) Concluded(reason string) {
	defer s.lock()()
	switch {
	case reason != "":
		s.reason = overBecause(reason)
	case s.count < 0:
		s.reason = "The show was ended."
	}
}

// Close ends the pass with the show, or gives the pass back if the show did not begin.
func (s *source) Close() error {
	unlock := s.lock()
	a := s.pass
	isOver := s.begun || s.resumed || a.stage == live
	if a.source == s {
		if a.source = nil; isOver {
			a.end(s.reason)
		}
	}
	s.changed()
	unlock()
	if isOver {
		return a.studio.Passes.End(context.Background(), a.spec)
	}
	return a.studio.Passes.Free(context.Background(), a.spec)
}
