package pull

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	maxPlaylist   = 1 << 20 // bytes
	maxSegments   = 100000
	maxTarget     = time.Minute
	maxCount      = 1 << 48 // of bytes, and of segments: sums of it do not overflow
	playlistStart = "#EXTM3U"
	plsStart      = "[playlist]"
	byteOrder     = "\xef\xbb\xbf" // some editors begin a file with this mark
)

// isPlaylist looks at the beginning of a body. It goes by nothing else: servers call playlists many things.
func isPlaylist(start []byte) bool {
	start = bytes.TrimPrefix(start, []byte(byteOrder))
	return bytes.HasPrefix(start, []byte(playlistStart)) || bytes.HasPrefix(bytes.ToLower(start), []byte(plsStart))
}

// follow goes where a playlist leads: to the segments of HLS, or to the first address of another one.
func (s *stream) follow(r *reply) error {
	raw, err := readPlaylist(r)
	if err != nil {
		return err
	}
	text := textOf(raw)
	at := r.Request.URL
	if strings.Contains(text, "\n#EXT-X-") {
		s.hls = &hls{stream: s, address: at}
		_, err := s.hls.take(text, at)
		return err
	}
	first := firstOfM3U
	if !strings.HasPrefix(text, playlistStart) {
		first = firstOfPLS
	}
	line := first(text)
	if line == "" {
		return errors.New("the playlist is empty")
	}
	address, err := resolve(at, line)
	if err != nil {
		return err
	}
	s.address = address
	return nil
}

// resolve returns what an address in a playlist means that is at base. The error does not repeat it:
// there may be a password in it.
func resolve(base *url.URL, line string) (*url.URL, error) {
	address, err := base.Parse(line)
	if err != nil {
		return nil, errors.New("an address in the playlist is not valid")
	}
	return address, nil
}

// firstOfM3U returns the first address of a playlist, or "" of one that has none.
func firstOfM3U(text string) string {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return line
		}
	}
	return ""
}

// plsFile is the address of an entry. Other lines say how many there are, what they are called, and more.
var plsFile = regexp.MustCompile(`(?im)^[ \t]*file\d+[ \t]*=[ \t]*(\S.*)$`)

// firstOfPLS is firstOfM3U of the other kind of playlist.
func firstOfPLS(text string) string {
	found := plsFile.FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	return strings.TrimSpace(found[1])
}

func readPlaylist(r io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxPlaylist+1))
	if err != nil {
		return nil, errBroken
	}
	if len(raw) > maxPlaylist {
		return nil, fmt.Errorf("a playlist of more than %d bytes is none", maxPlaylist)
	}
	return raw, nil
}

// textOf returns the text of a playlist behind the mark of its byte order, if it has one.
func textOf(raw []byte) string { return string(bytes.TrimPrefix(raw, []byte(byteOrder))) }

// playlist is one of HLS, RFC 8216: of variants of the same sound, or of segments.
type playlist struct {
	variants []variant
	segments []segment
	target   time.Duration // the longest segment
	ended    bool          // no more segments come
}

// variant is one of several forms of the same sound.
type variant struct {
	address   *url.URL
	bandwidth int  // bits per second
	isSound   bool // and nothing else
}

// segment is a part of the sound.
type segment struct {
	number  int64
	address *url.URL
	part    byteRange // of what is at the address
	init    *url.URL  // what a decoder needs before it; nil: nothing
	initAt  byteRange
}

// byteRange is a part of a file. A length of 0: all of it.
type byteRange struct{ offset, length int64 }

// parser reads a playlist line by line.
type parser struct {
	playlist
	base    *url.URL
	next    segment
	variant variant
	behind  int64 // of the last byte range
}

func parsePlaylist(text string, base *url.URL) (playlist, error) {
	p := &parser{base: base}
	for line := range strings.Lines(text) {
		if err := p.line(strings.TrimSpace(line)); err != nil {
			return playlist{}, err
		}
		if len(p.segments) > maxSegments {
			return playlist{}, fmt.Errorf("a playlist with more than %d segments is none", maxSegments)
		}
	}
	return p.playlist, nil
}

func (p *parser) line(line string) error {
	tag, value, _ := strings.Cut(line, ":")
	switch {
	case line == "":
		return nil
	case line[0] != '#':
		return p.addAddress(line)
	case tag == "#EXT-X-TARGETDURATION":
		seconds, _ := strconv.Atoi(value)
		p.target = min(max(time.Duration(seconds)*time.Second, time.Second), maxTarget)
	case tag == "#EXT-X-MEDIA-SEQUENCE":
		p.setNumber(value)
	case tag == "#EXT-X-ENDLIST":
		p.ended = true
	case tag == "#EXT-X-BYTERANGE":
		p.next.part = p.parseRange(value)
	default:
		return p.attributes(tag, attributes(value))
	}
	return nil
}

// attributes reads the tags that have some.
func (p *parser) attributes(tag string, a map[string]string) (err error) {
	switch {
	case tag == "#EXT-X-KEY" && a["METHOD"] != "NONE":
		return errors.New("the stream is encrypted, which is not played")
	case tag == "#EXT-X-MAP":
		p.next.initAt = p.parseRange(a["BYTERANGE"])
		p.next.init, err = resolve(p.base, a["URI"])
	case tag == "#EXT-X-STREAM-INF":
		p.variant.bandwidth, _ = strconv.Atoi(a["BANDWIDTH"])
		p.variant.isSound = a["RESOLUTION"] == "" && !strings.Contains(a["CODECS"], "avc1") && !strings.Contains(a["CODECS"], "hvc1")
	case tag == "#EXT-X-MEDIA" && a["TYPE"] == "AUDIO" && a["URI"] != "":
		sound := variant{isSound: true}
		if a["DEFAULT"] == "YES" {
			sound.bandwidth = 1
		}
		sound.address, err = resolve(p.base, a["URI"])
		p.variants = append(p.variants, sound)
	}
	return err
}

func (p *parser) addAddress(line string) error {
	address, err := resolve(p.base, line)
	if err != nil {
		return err
	}
	if p.variant != (variant{}) {
		p.variant.address = address
		p.variants = append(p.variants, p.variant)
		p.variant = variant{}
		return nil
	}
	p.next.address = address
	p.segments = append(p.segments, p.next)
	p.next.number++
	p.next.part = byteRange{}
	return nil
}

// setNumber reads the number of the first segment. It has to be said before it (RFC 8216 4.3.3.2): the
// others are counted.
func (p *parser) setNumber(text string) {
	if len(p.segments) == 0 {
		p.next.number = parseCount(text)
	}
}

// parseRange reads LENGTH@OFFSET; without an offset the range is behind the one before.
func (p *parser) parseRange(text string) (r byteRange) {
	length, offset, found := strings.Cut(text, "@")
	r.length = parseCount(length)
	if r.offset = p.behind; found {
		r.offset = parseCount(offset)
	}
	p.behind = min(r.offset+r.length, maxCount)
	return r
}

// parseCount reads a number that cannot be negative, and is maxCount at most. What is none counts as 0.
func parseCount(text string) int64 {
	n, _ := strconv.ParseUint(text, 10, 64)
	return int64(min(n, maxCount))
}

// attributes reads NAME=VALUE,NAME="VALUE", RFC 8216 4.2.
func attributes(text string) map[string]string {
	all := make(map[string]string)
	for text != "" {
		name, rest, _ := strings.Cut(text, "=")
		var value string
		if quoted, isQuoted := strings.CutPrefix(rest, `"`); isQuoted {
			value, rest, _ = strings.Cut(quoted, `"`)
			_, text, _ = strings.Cut(rest, ",")
		} else {
			value, text, _ = strings.Cut(rest, ",")
		}
		all[strings.TrimSpace(name)] = value
	}
	return all
}

// best returns the variant to play: sound alone where there is some, of the highest quality, and otherwise
// the one with the smallest picture.
func (p *playlist) best() (best variant) {
	for _, v := range p.variants {
		switch {
		case best.address == nil, v.isSound && !best.isSound,
			v.isSound == best.isSound && v.isSound == (v.bandwidth > best.bandwidth):
			best = v
		}
	}
	return best
}
