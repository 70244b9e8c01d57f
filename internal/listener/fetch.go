package listener

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// farAway is the last byte of a range that goes on for as long as the file grows
// (RFC 8673, 2.2). It is the largest number that JavaScript counts exactly.
const farAway = 9007199254740991

// ErrGone means that the recording is not, or no longer, at the gateway.
var ErrGone = errors.New("the recording is not there: the link is wrong, or it was deleted")

// errBeyond means that the file is finished and the wanted byte is behind its end.
var errBeyond = errors.New("beyond the end of the file")

// fetcher requests parts of one growing file from a gateway.
type fetcher struct {
	client *http.Client
	url    string
}

// idleTimeout is how long nothing may arrive. A running show sends a sign of life
// every ten seconds, so after this time the line is dead.
const idleTimeout = 25 * time.Second

// edgeTimeout is how long the gateway may take to say how far a show has got.
const edgeTimeout = 5 * time.Second

// errIdle is why a request on a dead line is ended.
var errIdle = errors.New("nothing arrives any more")

// refusal is an answer that would be the same if the request were repeated.
type refusal struct{ status string }

func (r *refusal) Error() string { return "the gateway answers " + r.status }

// part is a part of the file as it arrives.
type part struct {
	body   io.ReadCloser
	at     int64 // offset in the file of the next byte
	total  int64 // size of the file if it is finished, -1 while it grows
	idle   *time.Timer
	cancel context.CancelCauseFunc
}

func (p *part) Read(b []byte) (int, error) {
	p.idle.Reset(idleTimeout)
	n, err := p.body.Read(b)
	p.at += int64(n)
	return n, err
}

// whole reports whether everything that the file will ever have has been read.
func (p *part) whole() bool { return p.at == p.total }

func (p *part) Close() error {
	p.idle.Stop()
	p.cancel(nil)
	return p.body.Close()
}

// from requests everything from offset on, also what is still to come.
func (f *fetcher) from(ctx context.Context, offset int64) (*part, error) {
	return f.get(ctx, offset, farAway)
}

// get requests the bytes from first to last. They are fewer if the file ends before.
func (f *fetcher) get(ctx context.Context, first, last int64) (*part, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	idle := time.AfterFunc(idleTimeout, func() { cancel(errIdle) })
	response, err := f.do(ctx, http.MethodGet, fmt.Sprintf("bytes=%d-%d", first, last))
	if err != nil {
		idle.Stop()
		cancel(nil)
		return nil, err
	}
	p := &part{body: response.Body, at: first, idle: idle, cancel: cancel}
	if _, p.total, err = contentRange(response); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// edge asks how many bytes there are now (RFC 8673, 2.1), and whether no more will
// come.
func (f *fetcher) edge(ctx context.Context) (size int64, finished bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, edgeTimeout, errIdle)
	defer cancel()
	response, err := f.do(ctx, http.MethodHead, "bytes=0-")
	if err != nil {
		return 0, false, err
	}
	response.Body.Close()
	last, total, err := contentRange(response)
	if err != nil {
		return 0, false, err
	}
	return last + 1, total >= 0, nil
}

// do makes a request whose answer has to be a part of the file.
func (f *fetcher) do(ctx context.Context, method, byteRange string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, f.url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Range", byteRange)
	response, err := f.client.Do(request)
	if err != nil {
		return nil, err
	}
	switch response.StatusCode {
	case http.StatusPartialContent:
		return response, nil
	case http.StatusNotFound, http.StatusGone:
		err = ErrGone
	case http.StatusRequestedRangeNotSatisfiable:
		err = errBeyond
	default:
		err = fmt.Errorf("the gateway answers %s", response.Status)
		if final4xx(response.StatusCode) {
			err = &refusal{response.Status}
		}
	}
	response.Body.Close()
	return nil, err
}

// final4xx reports whether a status means that the request itself is wrong.
func final4xx(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status >= 400 && status < 500
}

// contentRange parses "bytes first-last/total"; total is -1 where it is "*".
func contentRange(response *http.Response) (last, total int64, err error) {
	value := response.Header.Get("Content-Range")
	malformed := fmt.Errorf("the gateway answers with the range %q", value)
	bounds, size, ok := strings.Cut(strings.TrimPrefix(value, "bytes "), "/")
	_, end, ok2 := strings.Cut(bounds, "-")
	if !ok || !ok2 {
		return 0, 0, malformed
	}
	if last, err = strconv.ParseInt(end, 10, 64); err != nil {
		return 0, 0, malformed
	}
	if size == "*" {
		return last, -1, nil
	}
	if total, err = strconv.ParseInt(size, 10, 64); err != nil {
		return 0, 0, malformed
	}
	return last, total, nil
}

// first returns the first n bytes, or as many as there are, and the size of the
// file if it is finished, else -1.
func (f *fetcher) first(ctx context.Context, n int) (raw []byte, total int64, err error) {
	p, err := f.get(ctx, 0, int64(n)-1)
	if err != nil {
		return nil, 0, err
	}
	defer p.Close()
	raw, err = io.ReadAll(io.LimitReader(p, int64(n))) // whatever the gateway sends
	return raw, p.total, err
}
