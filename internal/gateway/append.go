package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"strconv"
	"time"

	"broadcastbot/internal/recordings"
)

// appendSize is how much is read from an uploader at once, at most. Whatever is there is appended
// at once: followers wait for it.
const appendSize = 64 << 10

// noLimit is the size of the largest recording when none was configured. One byte more still fits
// into an int64.
const noLimit = math.MaxInt64 - 1

// upload is one request that appends to a recording.
type upload struct {
	g        *Gateway
	rec      *recordings.Recording
	appender *recordings.Appender
}

// appendUpload answers PATCH. Its body may flow for as long as the show runs.
func (g *Gateway) appendUpload(w http.ResponseWriter, r *http.Request) error {
	if r.Header.Get("Content-Type") != "application/offset+octet-stream" {
		return errMediaType
	}
	offset, err := parseBytes(r.Header.Get("Upload-Offset"))
	if err != nil {
		return errOffsetHeader
	}
	rec, err := g.catalogue.Acquire(r.PathValue("id"))
	if err != nil {
		return err
	}
	defer rec.Release()
	appender := rec.LockAppend()
	defer appender.Unlock()
	err = upload{g, rec, appender}.receive(w, r, offset)
	w.Header().Set("Upload-Offset", strconv.FormatInt(rec.Size(), 10))
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// receive appends a request's body at offset, and finishes the recording when its declared length
// is reached, even if the connection broke right after.
func (u upload) receive(w http.ResponseWriter, r *http.Request, offset int64) error {
	if err := context.Cause(u.appender.Context()); err != nil {
		return err
	}
	if offset != u.rec.Size() {
		return errWrongOffset
	}
	if err := u.declareLength(r.Header); err != nil {
		return err
	}
	err := u.appendBody(r.Body, http.NewResponseController(w))
	if !u.rec.Whole() {
		return err
	}
	if finishErr := u.appender.Finish(); finishErr != nil {
		return fmt.Errorf("finish recording %s: %w", u.rec.ID(), finishErr)
	}
	u.g.log.Info("upload is whole", "recording", u.rec.ID(), "size", u.rec.Size())
	return err
}

// declareLength records the length of a deferred upload, if the request says it.
func (u upload) declareLength(h http.Header) error {
	length, err := declaredLength(h)
	switch {
	case err != nil:
		return err
	case length == recordings.UnknownLength:
		return nil
	case length > u.g.maxSize && u.rec.Length() == recordings.UnknownLength:
		return errTooLarge
	}
	return u.appender.SetLength(length)
}

// appendBody appends what the body brings until it ends, the appender's context ends, or the upload
// has no room left.
func (u upload) appendBody(body io.Reader, conn *http.ResponseController) error {
	ctx := u.appender.Context()
	defer interrupt(ctx, conn.SetReadDeadline)()
	conn.SetWriteDeadline(time.Time{}) // the answer comes when the show is over
	limit := u.g.maxSize
	if length := u.rec.Length(); length != recordings.UnknownLength {
		limit = min(limit, length)
	}
	buf := make([]byte, appendSize)
	for {
		conn.SetReadDeadline(time.Now().Add(u.g.uploadIdle))
		if err := context.Cause(ctx); err != nil {
			return err
		}
		room := max(0, limit-u.rec.Size())                 // the limit may have been lowered since
		n, err := body.Read(buf[:min(appendSize, room+1)]) // one more than fits, to see that it is too much
		if n > 0 {
			if err := u.append(buf[:min(int64(n), room)]); err != nil {
				return err
			}
		}
		switch {
		case int64(n) > room:
			return errTooLarge
		case err == io.EOF:
			return nil
		case err != nil:
			return u.readError(err)
		}
	}
}

func (u upload) append(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if _, err := u.appender.Write(p); err != nil {
		return fmt.Errorf("append to recording %s: %w", u.rec.ID(), err)
	}
	u.g.bytesIn.Add(int64(len(p)))
	return nil
}

// readError says what the uploader is told when reading the body has failed.
func (u upload) readError(err error) error {
	if cause := context.Cause(u.appender.Context()); cause != nil {
		return cause
	}
	u.g.log.Info("upload was cut off", "recording", u.rec.ID(), "offset", u.rec.Size(), "err", err)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errIdle
	}
	return errCutOff
}
