package capture

import (
	"context"
	"log/slog"
	"time"
)

// closeTimeout is how long Close waits for what it cannot interrupt: a read of a
// terminal, a sound system that hangs.
const closeTimeout = 2 * time.Second

// detached is a Source read by a goroutine of its own, because reading it cannot be
// interrupted by the context of one ReadPacket. It reads ahead by as many packets as it
// was told.
//
// The goroutine ends when the source does, or after Close. A blocked read ends then
// because the context given to open has ended; where even that does not help, Close gives
// up after closeTimeout and the goroutine ends with the read, or with the process.
type detached struct {
	Source  // the goroutine's until done is closed, except for Format and Stats
	log     *slog.Logger
	cancel  context.CancelFunc
	opened  chan error
	packets chan detachedPacket
	endTrim int // of the packet returned last
	done    chan struct{}
	err     error // why there are no more packets; set before done is closed
}

// detachedPacket is a packet with what the source said of it.
type detachedPacket struct {
	data    []byte
	endTrim int
}

// detach runs open, and then reads the source that it returned, in a goroutine, so many
// packets ahead. The context given to open must end every blocked read. Of a panic, the log has the details.
func detach(ctx context.Context, log *slog.Logger, ahead int, open func(context.Context) (Source, error)) (Source, error) {
	inner, cancel := context.WithCancel(ctx)
	d := &detached{
		log: log, cancel: cancel, opened: make(chan error, 1), packets: make(chan detachedPacket, ahead), done: make(chan struct{}),
	}
	go d.run(inner, open)
	select {
	case err := <-d.opened:
		if err == nil {
			return d, nil
		}
		d.Close()
		return nil, err
	case <-ctx.Done():
		d.Close()
		return nil, ctx.Err()
	}
}

func (d *detached) run(ctx context.Context, open func(context.Context) (Source, error)) {
	defer close(d.done)
	err := Guard(d.log, func() (err error) {
		d.Source, err = open(ctx)
		return err
	})
	d.opened <- err
	if err != nil {
		return
	}
	d.err = Guard(d.log, func() error { return d.forward(ctx) })
	d.Source.Close()
}

// forward hands packets to ReadPacket and returns why it stopped.
func (d *detached) forward(ctx context.Context) error {
	for {
		packet, err := d.Source.ReadPacket(ctx)
		if err != nil {
			return err
		}
		select {
		case d.packets <- detachedPacket{packet, d.Source.EndTrim()}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (d *detached) ReadPacket(ctx context.Context) ([]byte, error) {
	select {
	case packet := <-d.packets:
		return d.use(packet)
	case <-d.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case packet := <-d.packets: // that was read ahead
		return d.use(packet)
	default:
		return nil, d.err
	}
}

func (d *detached) use(packet detachedPacket) ([]byte, error) {
	d.endTrim = packet.endTrim
	return packet.data, nil
}

func (d *detached) EndTrim() int { return d.endTrim }

// Close ends the goroutine, which closes the source.
func (d *detached) Close() error {
	d.cancel()
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	select {
	case <-d.done:
	case <-timer.C:
	}
	return nil
}

func (d *detached) Stats() Stats { return StatsOf(d.Source) }
