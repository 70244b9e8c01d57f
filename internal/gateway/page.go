package gateway

import (
	"errors"
	"net/http"
)

// listenPage answers GET /listen/{id}.
func (g *Gateway) listenPage(w http.ResponseWriter, r *http.Request) error {
	status := http.StatusOK
	rec, err := g.shelf.acquire(r.PathValue("id"))
	var no refusal
	switch {
	case err == nil:
		g.shelf.release(rec)
	case errors.As(err, &no) && no.status < 500:
		status = no.status
	default:
		return err
	}
	g.page.ServeIndex(w, r, status)
	return nil
}

// pageAsset answers GET /listen/player/{file}.
func (g *Gateway) pageAsset(w http.ResponseWriter, r *http.Request) error {
	if !g.page.ServeAsset(w, r, r.PathValue("file")) {
		return errNotFound
	}
	return nil
}
