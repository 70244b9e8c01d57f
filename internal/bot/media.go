package bot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/matrix"
	"broadcastbot/internal/retry"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
)

// binary is the type of what is encrypted.
const binary = "application/octet-stream"

// media are the account's files at the homeserver.
type media struct {
	client        *mautrix.Client
	cannotReserve atomic.Bool // the homeserver lacks MSC2246
	log           *slog.Logger
}

// mediaType is that of the track's file.
func mediaType(t *store.Track) string {
	if t.Plain {
		return voiceType
	}
	return binary
}

// Upload implements broadcast.Media: it puts the file as listeners get it into the homeserver's
// media. The error is permanent where that can never succeed: listeners still have the gateway.
func (m *media) Upload(ctx context.Context, t *store.Track, path string) (mxc string, err error) {
	mxc, err = m.uploadFile(ctx, t, path)
	if isHopeless(err) {
		return "", retry.Permanent(fmt.Errorf("the recording stays at the gateway only: %w", err))
	}
	if err != nil {
		return "", fmt.Errorf("upload the recording: %w", err)
	}
	return mxc, nil
}

// uploadFile uploads to the reserved address, or to a new one where there is none or it has expired
// while the show was running.
func (m *media) uploadFile(ctx context.Context, t *store.Track, path string) (mxc string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if err := m.checkSize(ctx, info.Size()); err != nil {
		return "", err
	}
	if t.Reserved != "" {
		_, err := m.upload(ctx, f, info.Size(), t.Reserved, mediaType(t))
		if err == nil || hasStatus(err, http.StatusConflict) { // 409: it was there already
			return t.Reserved, nil
		}
		if isHopeless(err) || !matrix.IsRefusal(err) {
			return "", err
		}
		m.log.Warn("the reserved address does not take the recording, trying a new one", "track", t.ID, "err", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	return m.upload(ctx, f, info.Size(), "", mediaType(t))
}

// errTooLarge means that the homeserver does not take files of that size.
var errTooLarge = errors.New("the homeserver does not take files of this size")

// checkSize asks for m.upload.size. Servers that do not tell are given a try.
func (m *media) checkSize(ctx context.Context, size int64) error {
	config, err := m.client.GetMediaConfig(ctx)
	if err != nil || config.UploadSize == 0 || size <= config.UploadSize {
		return nil
	}
	return fmt.Errorf("%w: %d bytes, its limit is %d", errTooLarge, size, config.UploadSize)
}

// upload sends a body of so many bytes (Synapse wants to know it before) to mxc or, when that is
// empty, to an address that it returns.
func (m *media) upload(ctx context.Context, body io.Reader, size int64, mxc, contentType string) (string, error) {
	request := mautrix.ReqUploadMedia{Content: body, ContentLength: size, ContentType: contentType}
	if mxc != "" {
		var err error
		if request.MXC, err = id.ParseContentURI(mxc); err != nil {
			return "", err
		}
	}
	stored, err := m.client.UploadMedia(ctx, request)
	if err != nil {
		return "", err
	}
	return stored.ContentURI.String(), nil
}

// isHopeless is true of an error that would come again: the file is too large (for us or for a
// proxy in front of the homeserver), gone, or damaged.
func isHopeless(err error) bool {
	var damaged *opusblocks.BlockError
	return errors.Is(err, errTooLarge) || errors.Is(err, mautrix.MTooLarge) ||
		hasStatus(err, http.StatusRequestEntityTooLarge) ||
		errors.Is(err, fs.ErrNotExist) || errors.As(err, &damaged)
}

func hasStatus(err error, status int) bool {
	var answer mautrix.HTTPError
	return errors.As(err, &answer) && answer.IsStatus(status)
}
