package pull

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"broadcastbot/internal/retry"
)

// resuming is how often a file is asked for again, until the context ends.
var resuming = retry.Policy{First: 500 * time.Millisecond, Max: 10 * time.Second}

var errOtherFile = errors.New("the server has another file now")

// fileBody is a file whose length is known. Where the line breaks, it is asked for the rest.
type fileBody struct {
	stream  *stream
	ctx     context.Context
	reply   *reply
	offset  int64 // of the next byte
	length  int64
	version http.Header // If-Range, as far as the server has told one
}

func newFileBody(ctx context.Context, s *stream, r *reply) *fileBody {
	b := &fileBody{stream: s, ctx: ctx, reply: r, length: r.ContentLength, version: make(http.Header)}
	if tag := r.Header.Get("ETag"); tag != "" && tag[0] == '"' { // RFC 9110 13.1.5: no weak ones
		b.version.Set("If-Range", tag)
	} else if modified := r.Header.Get("Last-Modified"); modified != "" {
		b.version.Set("If-Range", modified)
	}
	return b
}

func (b *fileBody) Read(p []byte) (int, error) {
	for {
		n, err := b.reply.Read(p)
		b.offset += int64(n)
		switch {
		case n > 0 || err == nil:
			return n, nil
		case b.offset >= b.length:
			return 0, io.EOF
		}
		b.stream.log.Warn("the line broke in a file", "offset", b.offset, "err", err)
		b.reply.Close()
		if err := retry.Do(b.ctx, resuming, b.resume, retry.IsPermanent, nil); err != nil {
			return 0, err
		}
	}
}

// resume asks for the rest of the file, RFC 9110 14.2.
func (b *fileBody) resume(ctx context.Context) error {
	header := b.version.Clone()
	header.Set("Range", fmt.Sprintf("bytes=%d-", b.offset))
	r, err := b.stream.puller.get(ctx, b.stream.log, b.stream.address, header)
	if err != nil {
		return err
	}
	if err := b.seek(r); err != nil {
		r.Close()
		return err
	}
	b.reply = r
	return nil
}

// seek brings a reply to the offset: a server may send the whole file again.
func (b *fileBody) seek(r *reply) error {
	want := fmt.Sprintf("bytes %d-%d/%d", b.offset, b.length-1, b.length)
	switch {
	case r.StatusCode == http.StatusPartialContent && r.Header.Get("Content-Range") == want:
		return nil
	case r.StatusCode == http.StatusOK && r.ContentLength == b.length:
		_, err := io.CopyN(io.Discard, r, b.offset)
		return err
	case r.StatusCode == http.StatusOK, r.StatusCode == http.StatusPartialContent:
		return retry.Permanent(errOtherFile)
	}
	return r.refused()
}

func (b *fileBody) Close() error { return b.reply.Close() }
