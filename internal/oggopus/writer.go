package oggopus

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"broadcastbot/internal/opus"
)

var errWriterClosed = errors.New("the Ogg stream has been ended already")

// Writer lays packets out as one Ogg Opus stream. Every page is one Write to the
// underlying writer.
type Writer struct {
	// PageDuration is how much sound goes on a page. A page is written when
	// the packet after it comes. NewWriter sets one second; set another before
	// the first packet.
	PageDuration time.Duration

	w        io.Writer
	head     Head
	tags     Tags
	serial   uint32
	sequence uint32 // of the next page
	granule  int64  // samples up to the end of the last packet
	held     int64  // samples of the packets that are on no page yet
	lacing   []byte // of these packets
	body     []byte // these packets
	out      []byte // a page on its way to w
	err      error  // why nothing more can be written
}

// NewWriter returns a Writer to w. Nothing is written before the first packet, and
// Close does not close w.
func NewWriter(w io.Writer, head Head, tags Tags) *Writer {
	return &Writer{PageDuration: time.Second, w: w, head: head, tags: tags, serial: rand.Uint32()}
}

// WritePacket adds a packet, which it copies. A packet that is not Opus is refused
// and leaves the stream as it was. An error of the underlying writer is final.
func (w *Writer) WritePacket(packet []byte) error {
	if w.err != nil {
		return w.err
	}
	samples, err := opus.PacketDuration(packet)
	if err != nil {
		return err
	}
	segments := len(packet)/255 + 1
	if segments > maxSegments {
		return fmt.Errorf("%w: %d bytes are more than 120 ms can need", opus.ErrBadPacket, len(packet))
	}
	if len(w.lacing)+segments > maxSegments || w.held >= w.pageSamples() {
		if err := w.Flush(); err != nil {
			return err
		}
	}
	w.lacing = AppendLacing(w.lacing, len(packet))
	w.body = append(w.body, packet...)
	w.held += int64(samples)
	w.granule += int64(samples)
	return nil
}

func (w *Writer) pageSamples() int64 {
	return int64(w.PageDuration) * opus.SampleRate / int64(time.Second)
}

// Flush writes the packets of a page that is not full yet, and before them the
// headers if they have not been written.
func (w *Writer) Flush() error {
	w.writeHeaders()
	if w.held > 0 {
		w.writeHeld(false)
	}
	return w.err
}

// Close writes the last page with the end mark. endTrim is how many samples at
// 48 kHz at the end are not to be heard, so that players drop them; it is cut to
// what there is on that page.
func (w *Writer) Close(endTrim int) error {
	w.writeHeaders()
	w.granule -= min(max(int64(endTrim), 0), w.held)
	w.writeHeld(true)
	if w.err != nil {
		return w.err
	}
	w.err = errWriterClosed
	return nil
}

func (w *Writer) writeHeld(last bool) {
	page := Page{Last: last, Granule: w.granule, Lacing: w.lacing, Body: w.body}
	if w.held == 0 {
		page.Granule = -1
	}
	w.writePage(page)
	w.lacing, w.body, w.held = w.lacing[:0], w.body[:0], 0
}

// writeHeaders writes, once, the head and as many pages as the tags need.
func (w *Writer) writeHeaders() {
	if w.sequence > 0 {
		return
	}
	head := w.head.Append(nil)
	w.writePage(Page{First: true, Lacing: AppendLacing(nil, len(head)), Body: head})
	body := w.tags.Append(nil)
	lacing := AppendLacing(nil, len(body))
	for len(lacing) > maxSegments {
		size := maxSegments * 255
		w.writePage(Page{Continued: w.sequence > 1, Granule: -1, Lacing: lacing[:maxSegments], Body: body[:size]})
		lacing, body = lacing[maxSegments:], body[size:]
	}
	w.writePage(Page{Continued: w.sequence > 1, Lacing: lacing, Body: body})
}

func (w *Writer) writePage(page Page) {
	if w.err != nil {
		return
	}
	page.Serial, page.Sequence = w.serial, w.sequence
	w.sequence++
	w.out = page.Append(w.out[:0])
	if _, err := w.w.Write(w.out); err != nil {
		w.err = fmt.Errorf("write Ogg page: %w", err)
	}
}
