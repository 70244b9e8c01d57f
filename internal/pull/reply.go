package pull

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"
)

// startSize is how many bytes of a body tell a playlist from sound.
const startSize = 16

// reply is a response whose beginning was looked at.
type reply struct {
	*http.Response
	buffered *bufio.Reader
	start    []byte // of the body; valid until the first Read
	hangUp   context.CancelFunc
}

func (r *reply) Read(p []byte) (int, error) { return r.buffered.Read(p) }

func (r *reply) Close() error {
	r.hangUp()
	return r.Body.Close()
}

// refused says what the server says, in our words.
func (r *reply) refused() error {
	return fmt.Errorf("it answers: %d %s", r.StatusCode, http.StatusText(r.StatusCode))
}

// get asks for an address, and waits for the first bytes of the reply. Its errors are sentences.
func (p *Puller) get(ctx context.Context, log *slog.Logger, u *url.URL, header http.Header) (*reply, error) {
	ctx, hangUp := context.WithCancel(ctx)
	late := time.AfterFunc(p.limits.reply, hangUp)
	r, err := p.ask(ctx, u, header)
	if err == nil {
		r.hangUp = hangUp
		if r.start, err = r.buffered.Peek(startSize); errors.Is(err, io.EOF) { // it is shorter
			err = nil
		}
	}
	isLate := !late.Stop()
	if !isLate && err == nil {
		return r, nil
	}
	hangUp()
	if isLate {
		err = os.ErrDeadlineExceeded
	}
	if r != nil {
		r.Body.Close()
	}
	log.Warn("a stream cannot be pulled", "err", withoutAddress(err))
	return nil, sentence(err)
}

func (p *Puller) ask(ctx context.Context, u *url.URL, header http.Header) (*reply, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("User-Agent", "broadcastbot")
	response, err := p.client.Do(request)
	if err != nil {
		return nil, err
	}
	return &reply{Response: response, buffered: bufio.NewReader(response.Body)}, nil
}

// withoutAddress takes the address from an error of a client: there may be a password in it.
func withoutAddress(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
