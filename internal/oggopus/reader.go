package oggopus

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Packet is one Opus packet and its place in the stream.
type Packet struct {
	Data    []byte
	Samples int   // per channel at 48 kHz that Data decodes to
	Granule int64 // where its sound ends: 48 kHz samples of the link, pre-skip included, end trim taken off; -1: not known
	Trim    int   // samples per channel at its end that are not sound, at the end of a link
	First   bool  // a link begins: a decoder starts anew with the Head
}

// Stats counts what was wrong with a stream.
type Stats struct {
	SkippedBytes int64 // that belong to no page of use: garbage, altered and cut pages
	BadPages     int   // with a wrong checksum
	SequenceGaps int   // places where pages are missing
	BadPackets   int   // that are not Opus, or too large, and were left out
	LostSamples  int64 // at 48 kHz that the granule positions count but no packet has
}

// Reader yields the packets of an Ogg Opus stream as they arrive: of all links of
// a chain, one after the other. Other streams multiplexed with it are ignored.
// Broken pages and packets are skipped and counted.
type Reader struct {
	pages   pageScanner
	link    *link  // nil: no Opus stream has begun
	inHeads bool   // the last page was the first of its stream
	foreign string // the codec of another stream that begins here
	queue   []Packet
	err     error // why nothing more can be read
}

// NewReader returns a Reader of r. It reads ahead by 64 kB at most, and only
// what r has without waiting.
func NewReader(r io.Reader) *Reader {
	return &Reader{pages: newPageScanner(r)}
}

// ReadHead blocks until the headers of the first link have arrived, so that Head
// and Tags are known before the first packet. Calling it is optional.
func (r *Reader) ReadHead() error {
	for r.link == nil || !r.link.tagged {
		err := r.readPage()
		if err == io.EOF {
			return nil // a head and nothing else
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ReadPacket blocks until the next packet has arrived; the caller owns its
// Data. At the end of the stream, whole or cut off, it returns io.EOF. When
// there is no stereo or mono Opus to read, the error wraps [ErrNotOpus],
// [ErrMapping] or [ErrMalformed]; all other errors are those of the
// underlying reader.
func (r *Reader) ReadPacket() (Packet, error) {
	for len(r.queue) == 0 {
		if err := r.readPage(); err != nil {
			return Packet{}, err
		}
	}
	packet := r.queue[0]
	r.queue = r.queue[1:]
	packet.Data = bytes.Clone(packet.Data)
	return packet, nil
}

// Head returns the head of the link to which the last packet belongs.
func (r *Reader) Head() Head {
	if r.link == nil {
		return Head{}
	}
	return r.link.head
}

// Tags returns the tags of the link to which the last packet belongs. They are
// empty when they were lost.
func (r *Reader) Tags() Tags {
	if r.link == nil {
		return Tags{}
	}
	return r.link.tags
}

// EndTrim returns, after io.EOF, how many samples at 48 kHz at the end of the
// last packets are not sound.
func (r *Reader) EndTrim() int {
	if r.link == nil {
		return 0
	}
	return r.link.endTrim
}

// Truncated reports, after io.EOF, whether the end mark was missing. In a live
// stream that is usual; a file is then incomplete.
func (r *Reader) Truncated() bool { return r.link == nil || !r.link.ended }

// Stats returns the counts up to now.
func (r *Reader) Stats() Stats { return r.pages.stats }

// readPage reads the next page. An error of the stream itself is final.
func (r *Reader) readPage() error {
	if r.err != nil {
		return r.err
	}
	page, err := r.pages.next()
	switch {
	case err == io.EOF:
		r.err = r.end()
	case errors.Is(err, ErrNotOpus):
		r.err = err
	case err != nil:
		return fmt.Errorf("read Ogg stream: %w", err)
	case page.First:
		r.err = r.begin(&page)
	default:
		r.err = r.readLater(&page)
	}
	return r.err
}

// end returns what ReadPacket returns when there are no more pages.
func (r *Reader) end() error {
	if r.link != nil {
		return io.EOF
	}
	if r.foreign != "" {
		return r.notOpus()
	}
	return fmt.Errorf("%w: it ends before an Opus header", ErrNotOpus)
}

// begin reads the first page of a stream. All streams that are multiplexed begin
// together; the first Opus stream among them is the one to read.
func (r *Reader) begin(page *Page) error {
	if !r.inHeads {
		r.inHeads, r.link, r.foreign = true, nil, ""
	}
	if r.link != nil {
		return nil
	}
	head, err := ParseHead(page.Body)
	if errors.Is(err, ErrNotOpus) {
		r.foreign = codecName(page.Body)
		return nil
	}
	if err != nil {
		return err
	}
	r.link, r.pages.found = newLink(head, page), true
	return nil
}

// readLater reads a page after the first ones.
func (r *Reader) readLater(page *Page) error {
	r.inHeads = false
	switch {
	case r.link == nil && r.foreign != "":
		return r.notOpus()
	case r.link == nil: // the stream was joined in its middle
		r.pages.disregard()
	case page.Serial == r.link.serial && !r.link.ended:
		r.queue = r.link.readPage(page, r.queue, &r.pages.stats)
	}
	return nil
}

func (r *Reader) notOpus() error {
	return fmt.Errorf("%w: it holds %s; set the encoder to Opus", ErrNotOpus, r.foreign)
}

// codecName names the codec that a stream begins with.
func codecName(packet []byte) string {
	for _, codec := range []struct{ magic, name string }{
		{"\x01vorbis", "Vorbis"}, {"\x7fFLAC", "FLAC"}, {"Speex   ", "Speex"}, {"\x80theora", "Theora video"},
	} {
		if bytes.HasPrefix(packet, []byte(codec.magic)) {
			return codec.name
		}
	}
	return "another kind of data"
}
