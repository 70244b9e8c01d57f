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
	text, err := readPlaylist(r)
	if err != nil {
		return err
	}
	at := r.Request.URL
	if strings.Contains(text, "\n#EXT-X-") {
		s.hls = &hls{stream: s, address: at}
		return nil
	}
	first := firstOfM3U
	if !strings.HasPrefix(text, playlistStart) {
		first = firstOfPLS
	}
	address := first(text)
	if address == "" {
		return errors.New("the playlist is empty")
	}
	s.address, err = at.Parse(address)
	return err
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

// readPlaylist returns the text behind the mark of its byte order, if it has one.
func readPlaylist(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxPlaylist+1))
	if err != nil {
		return "", errBroken
	}
	if len(text) > maxPlaylist {
		return "", fmt.Errorf("a playlist of more than %d bytes is none", maxPlaylist)
	}
	return string(bytes.TrimPrefix(text, []byte(byteOrder))), nil
}

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
		p.next.number, _ = strconv.ParseInt(value, 10, 62)
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
		p.next.init, err = p.base.Parse(a["URI"])
	case tag == "#EXT-X-STREAM-INF":
		p.variant.bandwidth, _ = strconv.Atoi(a["BANDWIDTH"])
		p.variant.isSound = a["RESOLUTION"] == "" && !strings.Contains(a["CODECS"], "avc1") && !strings.Contains(a["CODECS"], "hvc1")
	case tag == "#EXT-X-MEDIA" && a["TYPE"] == "AUDIO" && a["URI"] != "":
		sound := variant{isSound: true}
		if a["DEFAULT"] == "YES" {
			sound.bandwidth = 1
		}
		sound.address, err = p.base.Parse(a["URI"])
		p.variants = append(p.variants, sound)
	}
	return err
}

func (p *parser) addAddress(line string) error {
	address, err := p.base.Parse(line)
	if err != nil {
		return errors.New("an address in the playlist is not valid")
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

// parseRange reads LENGTH@OFFSET; without an offset the range is behind the one before.
func (p *parser) parseRange(text string) (r byteRange) {
	length, offset, found := strings.Cut(text, "@")
	r.length, _ = strconv.ParseInt(length, 10, 62)
	if r.offset = p.behind; found {
		r.offset, _ = strconv.ParseInt(offset, 10, 62)
	}
	p.behind = r.offset + r.length
	return r
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
