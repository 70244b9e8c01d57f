package broadcast

import (
	"context"
	"errors"
	"log/slog"

	"broadcastbot/internal/livefile"
	"broadcastbot/internal/retry"
	"broadcastbot/uploader"
)

// outlet is one place that a track is sent to. It has a life of its own: it
// follows the spool at its own offset, through broken lines, until it has all.
type outlet struct {
	upload   uploader.Upload
	uploader *uploader.Uploader
	log      *slog.Logger
	done     chan struct{} // closed when err is set
	err      error         // why the copy is not complete
}

func newOutlet(spool *livefile.File, upload uploader.Upload, log *slog.Logger) *outlet {
	return &outlet{
		upload:   upload,
		uploader: &uploader.Uploader{File: spool, Destination: upload, Log: log},
		log:      log,
		done:     make(chan struct{}),
	}
}

// run keeps the copy complete until the spool is finished and all of it is there,
// or until the remote refuses it for good; then it calls onRefusal.
func (o *outlet) run(ctx context.Context, onRefusal func(*outlet)) {
	o.err = o.uploader.Run(ctx)
	close(o.done)
	if retry.IsPermanent(o.err) && !errors.Is(o.err, livefile.ErrClosed) {
		o.log.Error("the upload is refused for good", "err", o.err)
		finishUpload(ctx, o.upload, o.log)
		onRefusal(o)
	}
}

// wait returns why the copy is not complete, or nil when it is.
func (o *outlet) wait(ctx context.Context) error {
	if err := await(ctx, o.done); err != nil {
		return err
	}
	return o.err
}

// finishUpload ends an upload with what the remote has of it, so that its
// listeners are not left waiting for more.
func finishUpload(ctx context.Context, upload uploader.Upload, log *slog.Logger) {
	offset, err := upload.Offset(ctx)
	if err == nil {
		err = upload.Finish(ctx, offset)
	}
	if err != nil {
		log.Info("an upload stays without an end", "upload", upload.ID(), "err", err)
	}
}
