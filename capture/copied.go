package capture

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"

	"broadcastbot/internal/oggopus"
)

// copied is a Source that passes the packets of an Ogg Opus stream on, bit for bit.
// What is damaged is left out and counted. In a chain of streams the head of the first
// one counts: a player hears the pre-skip of the others.
type copied struct {
	reader  *oggopus.Reader
	closer  io.Closer // nil: somebody else's
	format  Format
	gain    int16 // that a player of the file would apply, in 1/256 dB; packets cannot carry it
	damaged atomic.Int64
	lost    atomic.Int64
}

// newCopied reads the head. On success it takes closer over.
func newCopied(in io.Reader, closer io.Closer) (*copied, error) {
	reader := oggopus.NewReader(in)
	if err := reader.ReadHead(); err != nil {
		return nil, fmt.Errorf("read the head: %w", err)
	}
	head := reader.Head()
	format := Format{Channels: head.Channels, PreSkip: head.PreSkip}
	return &copied{reader: reader, closer: closer, format: format, gain: head.OutputGain}, nil
}

// warn says that the sound will be louder or softer than meant.
func (c *copied) warn(log *slog.Logger) {
	if c.gain != 0 {
		log.Warn("the output gain of the Ogg Opus stream is lost: its packets are copied", "gain_dB", float64(c.gain)/256)
	}
}

func (c *copied) Format() Format { return c.format }
func (c *copied) EndTrim() int   { return c.reader.EndTrim() }

// ReadPacket does not look at ctx: a file does not block, and a pipe is detached.
func (c *copied) ReadPacket(context.Context) ([]byte, error) {
	packet, err := c.reader.ReadPacket()
	stats := c.reader.Stats()
	c.damaged.Store(stats.SkippedBytes)
	c.lost.Store(stats.LostSamples)
	return packet.Data, err
}

func (c *copied) Stats() Stats {
	return Stats{DamagedBytes: c.damaged.Load(), LostSamples: c.lost.Load()}
}

func (c *copied) Close() error {
	if c.closer == nil {
		return nil
	}
	return c.closer.Close()
}
