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
)

// appendSize is how much is read from an uploader at once, at most. Whatever
// is there is appended at once: followers wait for it.
const appendSize = 64 << 10

// noLimit is the size of the largest recording when none was configured. One
// more than it is still a number.
const noLimit = math.MaxInt64 - 1

// appendUpload answers PATCH. Its body may flow for as long as the show runs.
func (g *Gateway) appendUpload(w http.ResponseWriter, r *http.Request) error {
	if r.Header.Get("Content-Type") != "application/offset+octet-stream" {
		return errMediaType
	}
	offset, err := parseBytes(r.Header.Get("Upload-Offset"))
	if err != nil {
		return errOffsetHeader
	}
	rec, err := g.shelf.acquire(r.PathValue("id"))
	if err != nil {
		return err
	}
	defer g.shelf.release(rec)

	ctx, leave := rec.seat.take(rec.ctx)
	defer leave()
	err = g.receive(ctx, w, r, rec, offset)
	w.Header().Set("Upload-Offset", strconv.FormatInt(rec.Size(), 10))
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// receive appends a request's body at offset, and finishes the recording when
// its declared length is reached, even if the connection broke right after.
func (g *Gateway) receive(ctx context.Context, w http.ResponseWriter, r *http.Request, rec *recording, offset int64) error {
	if err := causeOf(ctx); err != nil {
		return err
	}
	if offset != rec.Size() {
		return errWrongOffset
	}
	if err := g.declare(rec, r.Header); err != nil {
		return err
	}
	err := g.pour(ctx, rec, r.Body, http.NewResponseController(w))
	if rec.Size() != rec.length.Load() {
		return err
	}
	if finishErr := g.shelf.finish(rec); finishErr != nil {
		return fmt.Errorf("finish recording %s: %w", rec.id, finishErr)
	}
	g.log.Info("upload is whole", "recording", rec.id, "size", rec.Size())
	return err
}

// declare takes down the length that a deferred upload turns out to have. It
// is written to disk only if the upload does not end with it right away.
func (g *Gateway) declare(rec *recording, h http.Header) error {
	length, err := declaredLength(h)
	known := rec.length.Load()
	switch {
	case err != nil:
		return err
	case length == unknownLength || length == known:
		return nil
	case known != unknownLength || length < rec.Size():
		return errLengthChanged
	case length > g.maxSize:
		return errTooLarge
	case length > rec.Size():
		if err := g.shelf.disk.writeLength(rec.id, length); err != nil {
			return err
		}
	}
	rec.length.Store(length)
	return nil
}

// pour appends what the body brings until it ends, ctx ends, or the upload
// has no room left.
func (g *Gateway) pour(ctx context.Context, rec *recording, body io.Reader, conn *http.ResponseController) error {
	defer interrupt(ctx, conn.SetReadDeadline)()
	conn.SetWriteDeadline(time.Time{}) // the answer comes when the show is over
	limit := g.maxSize
	if length := rec.length.Load(); length != unknownLength {
		limit = min(limit, length)
	}
	buf := make([]byte, appendSize)
	for {
		conn.SetReadDeadline(time.Now().Add(g.uploadIdle))
		if err := causeOf(ctx); err != nil {
			return err
		}
		room := max(0, limit-rec.Size())                   // the limit may have been lowered since
		n, err := body.Read(buf[:min(appendSize, room+1)]) // one more than fits, to see that it is too much
		if n > 0 {
			if err := g.store(rec, buf[:min(int64(n), room)]); err != nil {
				return err
			}
		}
		switch {
		case int64(n) > room:
			return errTooLarge
		case err == io.EOF:
			return nil
		case err != nil:
			return g.uploadBroke(ctx, rec, err)
		}
	}
}

func (g *Gateway) store(rec *recording, p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if _, err := rec.upload.Write(p); err != nil {
		return fmt.Errorf("append to recording %s: %w", rec.id, err)
	}
	g.traffic.bytesIn.Add(int64(len(p)))
	return nil
}

// uploadBroke says why reading an upload ended early.
func (g *Gateway) uploadBroke(ctx context.Context, rec *recording, err error) error {
	if cause := causeOf(ctx); cause != nil {
		return cause
	}
	g.log.Info("upload was cut off", "recording", rec.id, "offset", rec.Size(), "err", err)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errIdle
	}
	return errCutOff
}
