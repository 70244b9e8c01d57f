package capture

import (
	"context"
	"fmt"
	"io"
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
	damaged atomic.Int64
	lost    atomic.Int64
}

// newCopied reads the head. On success it takes closer over.
func newCopied(in io.Reader, closer io.Closer) (Source, error) {
	reader := oggopus.NewReader(in)
	if err := reader.ReadHead(); err != nil {
		return nil, fmt.Errorf("read the head: %w", err)
	}
	head := reader.Head()
	return &copied{reader: reader, closer: closer, format: Format{Channels: head.Channels, PreSkip: head.PreSkip}}, nil
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
