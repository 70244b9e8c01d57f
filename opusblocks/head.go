package opusblocks

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"broadcastbot/internal/oggopus"
	"broadcastbot/opusblocks/blocks"
)

// Block 0 of a sealed file has one size and one layout, whatever it says. So a
// server learns nothing of the title from its size, and the commitment is at a
// fixed place.
const (
	vendor          = "broadcastbot"
	commitmentName  = "KEY_COMMITMENT="
	tagsSize        = 1024                               // OpusTags, padded with zeros (RFC 7845, 5.2)
	headPageSize    = 27 + 1 + 19                        // Ogg header, one lacing value, OpusHead
	tagsPageSize    = 27 + (tagsSize/255 + 1) + tagsSize // Ogg header, lacing, OpusTags
	headPlaintext   = headPageSize + tagsPageSize
	commitmentStart = headPageSize + 27 + (tagsSize/255 + 1) + // the packet
		8 + 4 + len(vendor) + 4 + // "OpusTags", vendor, number of comments
		4 + len(commitmentName) // the first comment

	// HeadSize is where block 1 of a sealed file begins, in bytes.
	HeadSize = blocks.MagicSize + blocks.HeaderSize + headPlaintext + blocks.TagSize
)

var headLayout = blocks.HeadLayout{Size: headPlaintext, Commitment: commitmentStart}

// Head is what block 0 says of the show.
type Head struct {
	Channels int // 1 or 2
	PreSkip  int // samples at 48 kHz before the sound begins (RFC 7845, 4.2)
	Title    string
	Speaker  string // Matrix user id
	Started  time.Time
}

const startedLayout = "2006-01-02T15:04:05.000Z07:00"

// committedPages returns the header pages of a sealed file.
func (h Head) committedPages(serial uint32) ([]byte, error) {
	tags, err := h.tags(commitmentName + blocks.Commitment)
	if err != nil {
		return nil, err
	}
	packet := tags.Append(make([]byte, 0, tagsSize))
	return h.pages(serial, packet[:tagsSize]) // the rest of the array is zero: padding
}

// plainPages returns the header pages of a plain file. They need neither padding
// nor commitment.
func (h Head) plainPages(serial uint32) ([]byte, error) {
	tags, err := h.tags()
	if err != nil {
		return nil, err
	}
	return h.pages(serial, tags.Append(nil))
}

// pages returns the header pages with the packet of tags.
func (h Head) pages(serial uint32, packet []byte) ([]byte, error) {
	if h.Channels != 1 && h.Channels != 2 {
		return nil, fmt.Errorf("a show has 1 or 2 channels, not %d", h.Channels)
	}
	head := oggopus.Head{Channels: h.Channels, PreSkip: h.PreSkip, InputSampleRate: sampleRate}.Append(nil)
	first := oggopus.Page{First: true, Serial: serial, Lacing: oggopus.AppendLacing(nil, len(head)), Body: head}
	second := oggopus.Page{Serial: serial, Sequence: 1, Lacing: oggopus.AppendLacing(nil, len(packet)), Body: packet}
	return second.Append(first.Append(nil)), nil
}

// tags returns the comments before, followed by what the head says. A title that
// does not fit into the packet is cut.
func (h Head) tags(before ...string) (oggopus.Tags, error) {
	tags := h.tagsWith(h.Title, before)
	if excess := len(tags.Append(nil)) - tagsSize; excess > 0 {
		tags = h.tagsWith(cut(h.Title, len(h.Title)-excess), before)
	}
	if len(tags.Append(nil)) > tagsSize {
		return tags, fmt.Errorf("the speaker's name is too long: %d bytes", len(h.Speaker))
	}
	return tags, nil
}

func (h Head) tagsWith(title string, before []string) oggopus.Tags {
	return oggopus.Tags{Vendor: vendor, Comments: append(slices.Clone(before),
		"TITLE="+title,
		"ARTIST="+h.Speaker,
		"DATE="+h.Started.UTC().Format(startedLayout),
	)}
}

// cut shortens s to at most n bytes without breaking a character.
func cut(s string, n int) string {
	n = max(n, 0)
	for n > 0 && n < len(s) && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// parseHead reads the pages of block 0 and returns their serial number too.
func parseHead(plaintext []byte) (Head, uint32, error) {
	first, n, err := oggopus.ParsePage(plaintext)
	if err != nil {
		return Head{}, 0, fmt.Errorf("%w: first page: %w", ErrMalformed, err)
	}
	second, _, err := oggopus.ParsePage(plaintext[n:])
	if err != nil {
		return Head{}, 0, fmt.Errorf("%w: second page: %w", ErrMalformed, err)
	}
	if !first.First || second.Sequence != 1 || second.Serial != first.Serial {
		return Head{}, 0, fmt.Errorf("%w: block 0 is not the head of an Ogg stream", ErrMalformed)
	}
	opusHead, err := oggopus.ParseHead(first.Body)
	if err != nil {
		return Head{}, 0, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	tags, err := oggopus.ParseTags(second.Body)
	if err != nil {
		return Head{}, 0, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	started, _ := time.Parse(startedLayout, tags.Get("DATE")) // a missing date is the zero time
	return Head{
		Channels: opusHead.Channels,
		PreSkip:  opusHead.PreSkip,
		Title:    tags.Get("TITLE"),
		Speaker:  tags.Get("ARTIST"),
		Started:  started,
	}, first.Serial, nil
}
