package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"broadcastbot/internal/opus"
	"broadcastbot/internal/retry"
)

// burst is how early packets may be handed out. They come a handful at a time then,
// which costs one wake-up in 100 ms where it would cost five; nobody notices, because
// what is paced was not spoken at this moment, and is sealed into blocks anyway.
const burst = 80 * time.Millisecond

// paced holds the packets of a source back until they are due: packet i at the start
// plus the duration of the i packets before it, less the burst. Each due time is
// computed from the start, so no error adds up; a reader that was late gets the packets
// it missed at once.
type paced struct {
	Source
	fullSpeed bool
	slack     time.Duration // if the source is later than this, all that comes is due later; 0: never

	next    []byte // read but not due yet
	start   time.Time
	samples int64 // of the packets handed out
}

// newPaced takes the source over. It reads the first packet, so that a source without
// sound is told at once: by errNoSound.
func newPaced(ctx context.Context, source Source, fullSpeed bool) (Source, error) {
	return beginPaced(ctx, &paced{Source: source, fullSpeed: fullSpeed})
}

func beginPaced(ctx context.Context, p *paced) (Source, error) {
	if err := p.fetch(ctx); err != nil {
		p.Source.Close()
		if errors.Is(err, io.EOF) {
			err = errNoSound
		}
		return nil, err
	}
	return p, nil
}

func (p *paced) ReadPacket(ctx context.Context) ([]byte, error) {
	if err := p.fetch(ctx); err != nil {
		return nil, err
	}
	if err := p.wait(ctx); err != nil {
		return nil, err
	}
	packet := p.next
	samples, err := opus.PacketDuration(packet)
	if err != nil {
		return nil, fmt.Errorf("measure packet: %w", err)
	}
	p.next = nil
	p.samples += int64(samples)
	return packet, nil
}

func (p *paced) fetch(ctx context.Context) error {
	if p.next != nil {
		return nil
	}
	packet, err := p.Source.ReadPacket(ctx)
	p.next = packet
	return err
}

// wait returns when the next packet is due.
func (p *paced) wait(ctx context.Context) error {
	if p.fullSpeed {
		return ctx.Err()
	}
	if p.start.IsZero() {
		p.start = time.Now()
	}
	early := time.Until(p.start.Add(opus.Duration(p.samples)))
	if p.slack > 0 && early < -p.slack {
		p.start, early = p.start.Add(-early), 0
	}
	if early <= burst {
		return ctx.Err()
	}
	return retry.Sleep(ctx, early)
}

func (p *paced) Stats() Stats { return StatsOf(p.Source) }
