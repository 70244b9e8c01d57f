package livefile

import (
	"context"
	"io"
)

// Follow reads from offset on and waits at the edge for more.
//
// Read blocks until there is something to read. It returns io.EOF after the last byte of a finished
// file, ErrClosed when an unfinished one is closed, and the context's cause when ctx ends. Close
// frees nothing and never fails; it is there for callers that need an io.ReadCloser.
func (f *File) Follow(ctx context.Context, offset int64) io.ReadCloser {
	return &follower{file: f, ctx: ctx, offset: offset}
}

type follower struct {
	file   *File
	ctx    context.Context
	offset int64
}

func (r *follower) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := r.wait(); err != nil {
		return 0, err
	}
	n, err := r.file.ReadAt(p, r.offset)
	r.offset += int64(n)
	if n > 0 {
		err = nil // the edge is not the end
	}
	return n, err
}

// wait returns nil as soon as there is a byte at the follower's offset.
func (r *follower) wait() error {
	for {
		// The channel is taken together with the size, so a change between this look and the wait
		// below closes the very channel waited on.
		size, finished, closed, changed := r.file.state()
		switch {
		case closed:
			return ErrClosed
		case size > r.offset:
			return nil
		case finished:
			return io.EOF
		}
		select {
		case <-changed:
		case <-r.ctx.Done():
			return context.Cause(r.ctx)
		}
	}
}

func (r *follower) Close() error { return nil }
