// Package uploader keeps a remote copy of a growing file complete, across broken lines, restarts on
// either side and a remote that is away for a while.
//
// There is one idea: the remote is the truth. The uploader asks it how much it has, sends from
// there, and after any error asks again.
package uploader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"broadcastbot/internal/livefile"
	"broadcastbot/internal/retry"
)

// Destination is a remote copy that can only grow at its end. An error that no repetition can mend
// is marked with [retry.Permanent]. Every Destination must pass testDestination.
type Destination interface {
	// Offset returns how many bytes the remote has.
	Offset(ctx context.Context) (int64, error)
	// Append sends what r yields, as it comes, to the remote's end. If that is not at offset,
	// Append changes nothing and returns an error. It returns after the remote has taken all of r;
	// after an error the remote may have taken a part.
	Append(ctx context.Context, offset int64, r io.Reader) error
	// Finish tells the remote that it has all bytes, which are size. It may be called again.
	Finish(ctx context.Context, size int64) error
}

// Upload is a Destination that was made for one file and can be removed.
type Upload interface {
	Destination
	// ID names the upload at its Remote.
	ID() string
	// Delete removes what was uploaded, for good. It may be called again. The error is ErrUnknown where
	// the remote has never had the upload, as far as it knows: then it has proven nothing.
	Delete(ctx context.Context) error
}

// Remote is where files are uploaded to.
type Remote interface {
	// Create begins the upload of a file that will grow.
	Create(ctx context.Context) (Upload, error)
	// Upload returns an upload that was created earlier.
	Upload(id string) Upload
	// CheckRemoved asks at the address at which listeners find an upload, which may be one of another
	// remote. It returns nil where they are told that the upload was removed.
	CheckRemoved(ctx context.Context, address string) error
}

// ErrUnknown means that a remote does not know an upload. What has it may be another remote, or this one
// at another time.
var ErrUnknown = errors.New("the gateway does not know the recording")

// ErrAhead means that the remote has more bytes than the file: they come from another file, or the
// file has lost its end. Then nothing can be appended.
var ErrAhead = errors.New("the remote has bytes that the local file does not have")

// errStalled ends an Append of which nothing seems to arrive.
var errStalled = errors.New("the line is up, but nothing arrives")

// retryPolicy is how an upload that broke off is continued.
var retryPolicy = retry.Policy{First: 200 * time.Millisecond, Max: 15 * time.Second}

// How often the remote is asked for its offset while bytes flow, and how many times in a row it may
// have received nothing before the line counts as dead.
const (
	checkInterval    = 5 * time.Second
	maxStalledChecks = 3
)

// Uploader copies one File to one Destination.
type Uploader struct {
	File        *livefile.File
	Destination Destination
	Log         *slog.Logger

	uploaded atomic.Int64
}

// Uploaded returns how many bytes the remote is known to have. It trails what has been sent by up
// to five seconds.
func (u *Uploader) Uploaded() int64 { return u.uploaded.Load() }

// Run returns nil when the file is finished and the remote has all of it. It tries again after
// every error, until ctx ends or no repetition can help. [retry.IsPermanent] is true of its error
// then: the remote has refused the file, has other bytes than it (ErrAhead), or the file was closed
// before it was finished (livefile.ErrClosed).
func (u *Uploader) Run(ctx context.Context) error {
	backoff := retry.NewBackoff(retryPolicy)
	return backoff.Do(ctx, func(ctx context.Context) error {
		before := u.Uploaded()
		err := u.transfer(ctx)
		if u.Uploaded() > before {
			backoff.Reset()
		}
		if errors.Is(err, livefile.ErrClosed) {
			return retry.Permanent(err)
		}
		return err
	}, retry.IsPermanent, func(err error, delay time.Duration) {
		u.Log.Warn("upload broken off, will go on", "err", err, "offset", u.Uploaded(), "retry_in", delay)
	})
}

// transfer sends everything that the remote does not have, until the end of the file.
func (u *Uploader) transfer(ctx context.Context) error {
	offset, err := u.remoteOffset(ctx)
	if err != nil {
		return err
	}
	if !u.File.Finished() || offset < u.File.Size() {
		if err := u.append(ctx, offset); err != nil {
			return err
		}
	}
	size := u.File.Size()
	if err := u.Destination.Finish(ctx, size); err != nil {
		return fmt.Errorf("finish upload: %w", err)
	}
	u.uploaded.Store(size)
	return nil
}

// remoteOffset asks the remote how much it has.
func (u *Uploader) remoteOffset(ctx context.Context) (int64, error) {
	offset, err := u.Destination.Offset(ctx)
	if err != nil {
		return 0, fmt.Errorf("ask for the remote's offset: %w", err)
	}
	if size := u.File.Size(); offset > size {
		return 0, retry.Permanent(fmt.Errorf("%w: %d bytes, not %d", ErrAhead, offset, size))
	}
	u.uploaded.Store(offset)
	return offset, nil
}

// append sends the file from offset to its end while a second goroutine watches that it arrives: a
// request whose body flows for hours gets no answer, so a line that died silently would go
// unnoticed.
func (u *Uploader) append(ctx context.Context, offset int64) error {
	group, ctx := errgroup.WithContext(ctx)
	watchCtx, done := context.WithCancel(ctx)
	group.Go(func() error {
		defer done()
		body := u.File.Follow(ctx, offset)
		if err := u.Destination.Append(ctx, offset, body); err != nil {
			return fmt.Errorf("append at byte %d: %w", offset, err)
		}
		return nil
	})
	group.Go(func() error { return u.watch(watchCtx) })
	return group.Wait()
}

// watch returns errStalled when the remote stays behind and receives nothing, and nil when ctx
// ends. A remote that cannot be asked counts as one that receives nothing. Bytes may flow all the
// same, so one failure proves nothing.
func (u *Uploader) watch(ctx context.Context) error {
	for stalled := 0; stalled < maxStalledChecks; {
		if retry.Sleep(ctx, checkInterval) != nil {
			return nil
		}
		waiting := u.Uploaded() < u.File.Size() || u.File.Finished() // for bytes, or for the answer to all of them
		before := u.Uploaded()
		if _, err := u.remoteOffset(ctx); errors.Is(err, ErrAhead) {
			return err
		}
		if waiting && u.Uploaded() <= before {
			stalled++
		} else {
			stalled = 0
		}
	}
	return errStalled
}
