package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sync/atomic"

	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/opus"
)

// openOggOpus passes the packets of a file on as they are, as far as that tells nothing: where sizes
// have to be constant, packets of one duration are padded to the size of the largest. Packets of
// several durations, and sound whose level is to be changed, are encoded anew. On success the source
// takes the file over.
func openOggOpus(file *os.File, o Options) (Source, error) {
	source, err := newCopied(file)
	if err != nil {
		return nil, err
	}
	switch {
	case source.reader.Head().OutputGain != 0:
		return source.encodeAnew(o)
	case o.Encoder.VBR:
		return source, nil
	}
	shape, err := measure(file)
	if err != nil {
		return nil, err
	}
	if shape.varies {
		return source.encodeAnew(o)
	}
	return &padded{copied: source, size: shape.largest, samples: shape.samples}, nil
}

// copied is a Source that passes the packets of an Ogg Opus file on, bit for bit. What is damaged is left out and
// counted. In a chain of streams the head of the first one counts: a player hears the pre-skip of the
// others.
type copied struct {
	reader  *oggopus.Reader
	file    *os.File
	format  Format
	damaged atomic.Int64
	lost    atomic.Int64
}

// newCopied reads the head.
func newCopied(file *os.File) (*copied, error) {
	reader := oggopus.NewReader(contentOf(file))
	if err := reader.ReadHead(); err != nil {
		return nil, fmt.Errorf("read the head: %w", err)
	}
	return &copied{reader: reader, file: file, format: formatOf(reader.Head())}, nil
}

func formatOf(head oggopus.Head) Format {
	return Format{Channels: head.Channels, PreSkip: head.PreSkip}
}

// contentOf reads a file from its beginning, whoever else reads it.
func contentOf(file *os.File) io.Reader {
	return nameless{io.NewSectionReader(file, 0, math.MaxInt64)}
}

// encodeAnew returns a source of the same sound.
func (c *copied) encodeAnew(o Options) (Source, error) {
	samples, err := newOpusSamples(o.Encoder.Channels, func(context.Context) (oggPacket, error) { return c.readOgg() })
	if err != nil {
		return nil, err
	}
	samples.closer, samples.stats = c.file, c.Stats
	return newEncoded(samples, o.Encoder)
}

func (c *copied) readOgg() (oggPacket, error) {
	packet, err := c.reader.ReadPacket()
	stats := c.reader.Stats()
	c.damaged.Store(stats.SkippedBytes)
	c.lost.Store(stats.LostSamples)
	return oggPacket{packet, c.reader.Head()}, err
}

func (c *copied) Format() Format { return c.format }
func (c *copied) EndTrim() int   { return c.reader.EndTrim() }
func (c *copied) Close() error   { return c.file.Close() }

// ReadPacket does not look at ctx: a file does not block.
func (c *copied) ReadPacket(context.Context) ([]byte, error) {
	packet, err := c.readOgg()
	return packet.Data, err
}

func (c *copied) Stats() Stats {
	return Stats{DamagedBytes: c.damaged.Load(), LostSamples: c.lost.Load()}
}

// oggPacket is a packet with the head of its stream.
type oggPacket struct {
	oggopus.Packet
	head oggopus.Head
}

// shape is what the packets of a stream have in common.
type shape struct {
	largest int  // bytes
	samples int  // that each of them has, per channel at 48 kHz
	varies  bool // not all of them have so many
}

// measure reads a whole file.
func measure(file *os.File) (shape, error) {
	reader := oggopus.NewReader(contentOf(file))
	var s shape
	for {
		packet, err := reader.ReadPacket()
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return shape{}, fmt.Errorf("measure the packets: %w", err)
		}
		s.varies = s.varies || s.samples != 0 && packet.Samples != s.samples
		s.samples, s.largest = packet.Samples, max(s.largest, len(packet.Data))
	}
}

var errChanged = errors.New("the file has changed while it was played")

// padded is a Source whose packets have one size and one duration, so that their sizes do not tell how
// loud it is or what is said (RFC 6562). Decoders skip the padding (RFC 6716 3.2.5).
type padded struct {
	*copied
	size    int // bytes
	samples int // per channel at 48 kHz
}

func (p *padded) Format() Format {
	format := p.copied.Format()
	if p.samples > 0 {
		format.Bitrate = 8 * p.size * opus.SampleRate / p.samples
	}
	return format
}

// ReadPacket refuses what measure has not seen: it would stand out.
func (p *padded) ReadPacket(context.Context) ([]byte, error) {
	packet, err := p.readOgg()
	if err != nil {
		return nil, err
	}
	if packet.Samples != p.samples {
		return nil, errChanged
	}
	full, err := opus.PadTo(nil, packet.Data, p.size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errChanged, err)
	}
	return full, nil
}
