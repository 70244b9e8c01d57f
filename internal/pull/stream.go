package pull

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"broadcastbot/internal/retry"
)

// maxLinks is how many playlists may lead to a stream.
const maxLinks = 3

var (
	errBroken  = errors.New("the line was broken")
	errRound   = errors.New("one playlist leads to the other")
	errNotLive = errors.New("it is a recording, of which the rest cannot be had any more")
)

// stream is one that is pulled. It connects for one goroutine.
type stream struct {
	puller  *Puller
	address *url.URL
	resumed bool // for a show that was heard before a restart
	log     *slog.Logger

	hls       *hls // nil: it is none, as far as is known
	connected bool
	isFile    bool
	gone      time.Time // since when the server does not know the stream; zero: it does
}

// connect is a capture.Stream's.
func (s *stream) connect(ctx context.Context) (io.ReadCloser, error) {
	for range maxLinks {
		if s.hls != nil {
			return s.hls.open(ctx), nil
		}
		r, err := s.puller.get(ctx, s.log, s.address, nil)
		if err != nil {
			return nil, err
		}
		body, err := s.use(ctx, r)
		if body != nil || err != nil {
			return body, err
		}
	}
	return nil, errRound
}

// use returns the sound of a reply. Where that is a playlist, it returns nil, and the next connection leads
// on.
func (s *stream) use(ctx context.Context, r *reply) (io.ReadCloser, error) {
	if err := s.judge(r); err != nil {
		r.Close()
		return nil, err
	}
	s.connected, s.gone = true, time.Time{}
	if isPlaylist(r.start) {
		defer r.Close()
		return nil, s.follow(r)
	}
	if r.ContentLength < 0 {
		return &liveBody{reply: r, isStation: isStation(r.Header)}, nil
	}
	if s.resumed || s.isFile { // it would begin anew
		r.Close()
		return nil, retry.Permanent(errNotLive)
	}
	s.isFile = true
	return newFileBody(ctx, s, r), nil
}

// judge looks at a reply's status. A stream that its server knows no more has come to its end.
func (s *stream) judge(r *reply) error {
	isGone := r.StatusCode == http.StatusNotFound || r.StatusCode == http.StatusGone
	switch {
	case r.StatusCode == http.StatusOK:
		return nil
	case !isGone || !s.connected:
		return r.refused()
	case s.gone.IsZero():
		s.gone = time.Now()
	case time.Since(s.gone) > s.puller.limits.gone:
		return io.EOF
	}
	return r.refused()
}

// isStation reports whether a server sends what happens now, as Icecast and Shoutcast do.
func isStation(header http.Header) bool {
	for name := range header {
		if strings.HasPrefix(name, "Icy-") || strings.HasPrefix(name, "Ice-") {
			return true
		}
	}
	return false
}

// liveBody is sound without an end that is known beforehand.
type liveBody struct {
	*reply
	isStation bool // so its end is that of the connection, and not of the stream
}

func (b *liveBody) Read(p []byte) (int, error) {
	n, err := b.reply.Read(p)
	if err != nil && (b.isStation || !errors.Is(err, io.EOF)) {
		err = errBroken
	}
	return n, err
}
