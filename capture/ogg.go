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

// maxPassedBitrate is the highest that Opus is made for, in bits per second: one large packet must not
// blow up all others.
const maxPassedBitrate = 512000

// openOggOpus passes the packets of a file on as they are, as far as a player hears it right and sizes
// tell nothing: where those have to be constant, packets of one duration are padded to the size of the
// largest. What else there is, such as a chain of streams, is encoded anew. On success the source takes
// the file over.
func openOggOpus(file *os.File, o Options) (Source, error) {
	source, err := newCopied(file)
	if err != nil {
		return nil, err
	}
	shape, err := measure(file)
	switch {
	case err != nil:
		return nil, err
	case shape.isChain || shape.isDamaged || source.reader.Head().OutputGain != 0:
		return source.encodeAnew(o)
	case o.Encoder.VBR:
		return source, nil
	case shape.varies || shape.bitrate() > maxPassedBitrate:
		return source.encodeAnew(o)
	}
	return &padded{copied: source, shape: shape}, nil
}

// copied is a Source that passes the packets of an Ogg Opus file on, bit for bit. What is damaged is left
// out and counted.
type copied struct {
	reader  *oggopus.Reader
	file    *os.File
	format  Format
	endTrim int
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
	samples, err := c.decoded(o.Encoder.Channels)
	if err != nil {
		return nil, err
	}
	return newEncoded(samples, o.Encoder)
}

func (c *copied) decoded(channels int) (pcmReader, error) {
	samples, err := newOpusSamples(channels, func(context.Context) (oggPacket, error) { return c.readOgg() })
	if err != nil {
		return nil, err
	}
	samples.closer, samples.stats = c.file, c.Stats
	return samples, nil
}

func (c *copied) readOgg() (oggPacket, error) {
	packet, err := readOgg(c.reader)
	stats := c.reader.Stats()
	c.damaged.Store(stats.SkippedBytes)
	c.lost.Store(stats.LostSamples)
	return packet, err
}

func (c *copied) Format() Format { return c.format }
func (c *copied) EndTrim() int   { return c.endTrim }
func (c *copied) Close() error   { return c.file.Close() }

// ReadPacket does not look at ctx: a file does not block.
func (c *copied) ReadPacket(context.Context) ([]byte, error) {
	packet, err := c.readOgg()
	for err == nil && packet.Trim == packet.Samples { // nothing of it is to be heard
		packet, err = c.readOgg()
	}
	if err == nil {
		c.endTrim = packet.Trim
	}
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

func readOgg(reader *oggopus.Reader) (oggPacket, error) {
	packet, err := reader.ReadPacket()
	return oggPacket{packet, reader.Head()}, err
}

// shape is what the packets of a file have in common.
type shape struct {
	largest   int  // bytes
	samples   int  // that each of them has, per channel at 48 kHz
	varies    bool // not all of them have so many
	isChain   bool // of several streams, whose heads are for players that see them
	isDamaged bool // a packet cannot be taken apart
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
		s.add(packet)
	}
}

func (s *shape) add(packet oggopus.Packet) {
	isFirst := s.samples == 0
	s.isChain = s.isChain || packet.First && !isFirst
	s.isDamaged = s.isDamaged || !opus.IsWhole(packet.Data)
	s.varies = s.varies || !isFirst && packet.Samples != s.samples
	s.samples, s.largest = packet.Samples, max(s.largest, len(packet.Data))
}

// bitrate is that of packets of the largest size, in bits per second.
func (s shape) bitrate() int { return 8 * s.largest * opus.SampleRate / max(s.samples, 1) }

var errChanged = errors.New("the file has changed while it was played")

// padded is a Source whose packets have one size and one duration, so that their sizes do not tell how
// loud it is or what is said (RFC 6562). Decoders skip the padding (RFC 6716 3.2.5).
type padded struct {
	*copied
	shape shape
}

func (p *padded) Format() Format {
	format := p.copied.Format()
	format.Bitrate = p.shape.bitrate()
	return format
}

// ReadPacket refuses what measure has not seen: it would stand out.
func (p *padded) ReadPacket(ctx context.Context) ([]byte, error) {
	packet, err := p.copied.ReadPacket(ctx)
	if err != nil {
		return nil, err
	}
	if samples, err := opus.PacketDuration(packet); err != nil || samples != p.shape.samples {
		return nil, errChanged
	}
	full, err := opus.PadTo(nil, packet, p.shape.largest)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errChanged, err)
	}
	return full, nil
}
