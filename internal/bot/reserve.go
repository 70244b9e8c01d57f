package bot

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/retry"
)

// Reserve implements broadcast.Media: it asks the homeserver for an address at which the finished
// file will be (MSC2246), and returns "" where it gives none. That is no error: the file is then
// uploaded at the end, and the last edit tells its address.
func (m *media) Reserve(ctx context.Context) string {
	if m.cannotReserve.Load() {
		return ""
	}
	// No second try: whoever has reserved too much is told to wait for a day.
	created, err := m.client.CreateMXC(mautrix.WithMaxRetries(ctx, 0))
	switch {
	case err == nil:
		return created.ContentURI.String()
	case errors.Is(err, mautrix.MUnrecognized), hasStatus(err, http.StatusNotFound), hasStatus(err, http.StatusMethodNotAllowed):
		m.cannotReserve.Store(true)
	default:
		m.log.Warn("the homeserver reserves no address for the recording", "err", err)
	}
	return ""
}

// emptyFile is the magic bytes of a recording, and no block.
const emptyFile = "MXC\x03"

// Release implements broadcast.Media: it fills a reserved address with an empty file, because a
// homeserver lets an account have only a few reserved ones (Synapse: five, for a day).
func (m *media) Release(ctx context.Context, reserved string) error {
	mxc, err := id.ParseContentURI(reserved)
	if err != nil {
		return retry.Permanent(err)
	}
	_, err = m.client.UploadMedia(ctx, mautrix.ReqUploadMedia{ContentBytes: []byte(emptyFile), ContentType: binary, MXC: mxc})
	switch {
	case hasStatus(err, http.StatusConflict):
		return broadcast.ErrFilled
	case err != nil && !hasStatus(err, http.StatusNotFound): // 404: it has expired
		return fmt.Errorf("give the reserved address back: %w", err)
	}
	return nil
}
