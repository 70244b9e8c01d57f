package gateway

import (
	"net/http"
	"strconv"

	"broadcastbot/internal/link"
	"broadcastbot/internal/recordings"
)

// tusVersion is the one version of tus that there is.
const tusVersion = "1.0.0"

// tusMethod returns the request's method, or the one that a client behind a strict proxy names in a
// header instead (tus, "X-HTTP-Method-Override").
func tusMethod(r *http.Request) string {
	if name := r.Header.Get("X-HTTP-Method-Override"); name != "" && r.Method == http.MethodPost {
		return name
	}
	return r.Method
}

// describeUpload answers OPTIONS: what of tus there is here.
func (g *Gateway) describeUpload(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Tus-Resumable", tusVersion)
	h.Set("Tus-Version", tusVersion)
	h.Set("Tus-Extension", "creation,creation-defer-length,termination")
	if g.maxSize != noLimit {
		h.Set("Tus-Max-Size", strconv.FormatInt(g.maxSize, 10))
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// created is the body of the answer to a creation: where listeners find it.
type created struct {
	ID        string `json:"id"`
	LiveURL   string `json:"live_url"`
	ListenURL string `json:"listen_url"` // to be completed by # and the key
}

// createUpload answers POST /upload.
func (g *Gateway) createUpload(w http.ResponseWriter, r *http.Request) error {
	length, err := declaredLength(r.Header)
	if err != nil {
		return err
	}
	if length == recordings.UnknownLength && r.Header.Get("Upload-Defer-Length") != "1" {
		return errLengthHeader
	}
	if length > g.maxSize {
		return errTooLarge
	}
	rec, err := g.catalogue.Create(length)
	if err != nil {
		return err
	}
	defer rec.Release()
	g.log.Info("upload begins", "recording", rec.ID())
	show := link.Link{Base: g.publicURL, ID: rec.ID(), Plain: true} // as far as the gateway knows it
	// Relative to /upload, so that it holds behind a proxy that adds a prefix.
	w.Header().Set("Location", "upload/"+rec.ID())
	writeJSON(w, http.StatusCreated, created{
		ID:        rec.ID(),
		LiveURL:   show.StreamURL(),
		ListenURL: show.PageURL(),
	})
	return nil
}

// declaredLength reads Upload-Length, or returns UnknownLength without one.
func declaredLength(h http.Header) (int64, error) {
	text := h.Get("Upload-Length")
	if text == "" {
		return recordings.UnknownLength, nil
	}
	length, err := parseBytes(text)
	if err != nil || h.Get("Upload-Defer-Length") != "" {
		return 0, errLengthHeader
	}
	return length, nil
}

// parseBytes reads a number of bytes: digits only.
func parseBytes(text string) (int64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	return int64(n), err
}

// uploadOffset answers HEAD: where the upload stands.
func (g *Gateway) uploadOffset(w http.ResponseWriter, r *http.Request) error {
	rec, err := g.catalogue.Acquire(r.PathValue("id"))
	if err != nil {
		return err
	}
	defer rec.Release()
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Upload-Offset", strconv.FormatInt(rec.Size(), 10))
	if length := rec.Length(); length != recordings.UnknownLength {
		h.Set("Upload-Length", strconv.FormatInt(length, 10))
	} else {
		h.Set("Upload-Defer-Length", "1")
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// deleteUpload answers DELETE: the recording is removed, finished or not, and everybody who reads
// it is cut off.
func (g *Gateway) deleteUpload(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := g.catalogue.Remove(id); err != nil {
		return err
	}
	g.log.Info("recording removed", "recording", id)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
