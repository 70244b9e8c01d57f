package pull

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"broadcastbot/internal/retry"
)

const (
	// fromEnd is how many segments before the end of a live playlist a show begins: RFC 8216 6.3.3.
	fromEnd    = 3
	maxSegment = 32 << 20 // bytes; ten seconds of a film have ten
)

// asking is how often a segment or a playlist is asked for before the line counts as broken.
var asking = retry.Policy{First: 500 * time.Millisecond, Max: 2 * time.Second, Attempts: 3}

var errNewFormat = errors.New("the format of the stream changes")

// hls follows a stream of segments, RFC 8216. It goes on with the next segment after the line was broken.
type hls struct {
	stream  *stream
	address *url.URL // of the playlist
	list    playlist
	begun   bool
	next    int64 // number of the next segment
}

// open begins a connection: a decoder begins anew.
func (h *hls) open(ctx context.Context) io.ReadCloser { return &hlsBody{hls: h, ctx: ctx} }

// hlsBody is the sound of the segments, one after the other. A segment is passed on when all of it has
// come, so that none is cut off.
type hlsBody struct {
	*hls
	ctx    context.Context
	init   *url.URL // that was passed on last
	passed bool     // something was
	unread []byte
}

func (b *hlsBody) Read(p []byte) (int, error) {
	for len(b.unread) == 0 {
		if err := b.fetch(); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.unread)
	b.unread = b.unread[n:]
	return n, nil
}

func (b *hlsBody) Close() error { return nil }

// fetch downloads the next segment, and before it what a decoder needs.
func (b *hlsBody) fetch() error {
	s, err := b.wait(b.ctx)
	if err != nil {
		return err
	}
	isNew := s.init != nil && (b.init == nil || *s.init != *b.init)
	if isNew && b.passed {
		return errNewFormat
	}
	if isNew {
		if b.unread, err = b.download(b.ctx, s.init, s.initAt); err != nil {
			return err
		}
	}
	sound, err := b.download(b.ctx, s.address, s.part)
	if err != nil {
		return err
	}
	b.unread = append(b.unread, sound...)
	b.init, b.passed, b.next = s.init, true, s.number+1
	return nil
}

// wait returns the next segment when it is there.
func (h *hls) wait(ctx context.Context) (segment, error) {
	for {
		if s, found := h.find(); found {
			return s, nil
		}
		if h.list.ended {
			return segment{}, io.EOF
		}
		if err := retry.Sleep(ctx, h.list.target/2); err != nil { // 0 at first
			return segment{}, err
		}
		if err := h.reload(ctx); err != nil {
			return segment{}, err
		}
	}
}

// find returns the next segment of the playlist as it was last.
func (h *hls) find() (segment, bool) {
	segments := h.list.segments
	if len(segments) == 0 {
		return segment{}, false
	}
	first, behind := segments[0].number, segments[len(segments)-1].number+1
	isReset := h.next > behind+int64(len(segments)) // the server has begun anew
	switch {
	case !h.begun && h.list.ended:
		h.next = first
	case !h.begun || isReset:
		h.next = max(first, behind-fromEnd)
	case h.next < first:
		h.stream.log.Warn("segments were missed", "segments", first-h.next)
		h.next = first
	}
	h.begun = true
	i := slices.IndexFunc(segments, func(s segment) bool { return s.number == h.next })
	if i < 0 {
		return segment{}, false
	}
	return segments[i], true
}

// reload reads the playlist, at first by way of that of its variants.
func (h *hls) reload(ctx context.Context) error {
	for range maxLinks {
		raw, at, err := h.ask(ctx, h.address, byteRange{}, maxPlaylist)
		if err != nil {
			return err
		}
		if leadsOn, err := h.take(textOf(raw), at); err != nil || !leadsOn {
			return err
		}
	}
	return errRound
}

// take uses the text of a playlist that came from an address: its segments, or the address of its best
// variant, which leads on to them.
func (h *hls) take(text string, from *url.URL) (leadsOn bool, err error) {
	list, err := parsePlaylist(text, from)
	if err != nil {
		return false, err
	}
	if best := list.best(); best.address != nil {
		h.address = best.address
		return true, nil
	}
	if list.target == 0 {
		return false, errors.New("it is no playlist of HLS")
	}
	if list.ended && h.stream.resumed {
		return false, errNotLive
	}
	h.list = list
	return false, nil
}

func (h *hls) download(ctx context.Context, u *url.URL, part byteRange) ([]byte, error) {
	content, _, err := h.ask(ctx, u, part, maxSegment)
	return content, err
}

// ask downloads so many bytes at most, and returns from where they came in the end.
func (h *hls) ask(ctx context.Context, u *url.URL, part byteRange, most int64) (content []byte, at *url.URL, err error) {
	header := make(http.Header)
	if part.length > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-%d", part.offset, part.offset+part.length-1))
	}
	err = retry.Do(ctx, asking, func(ctx context.Context) error {
		r, err := h.stream.puller.get(ctx, h.stream.log, u, header)
		if err != nil {
			return err
		}
		defer r.Close()
		if r.StatusCode != http.StatusOK && r.StatusCode != http.StatusPartialContent {
			return r.refused()
		}
		at = r.Request.URL
		content, err = readPart(r, part, most)
		return err
	}, retry.IsPermanent, nil)
	return content, at, err
}

// readPart reads a reply whole, of which only a part may be wanted that the server did not cut out.
func readPart(r *reply, part byteRange, most int64) ([]byte, error) {
	if part.length > 0 && r.StatusCode == http.StatusOK {
		if _, err := io.CopyN(io.Discard, r, part.offset); err != nil {
			return nil, errBroken
		}
	}
	if part.length > 0 {
		most = min(most, part.length)
	}
	content, err := io.ReadAll(io.LimitReader(r, most+1))
	if part.length > 0 && int64(len(content)) > part.length {
		content = content[:part.length]
	}
	switch {
	case err != nil || int64(len(content)) < part.length:
		return nil, errBroken
	case int64(len(content)) > most:
		return nil, retry.Permanent(fmt.Errorf("it sends more than %d bytes at once", most))
	}
	return content, nil
}
