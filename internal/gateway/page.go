package gateway

import "net/http"

// listenPage answers GET /listen/{id}.
func (g *Gateway) listenPage(w http.ResponseWriter, r *http.Request) error {
	status := http.StatusOK
	rec, err := g.catalogue.Acquire(r.PathValue("id"))
	if err == nil {
		rec.Release()
	} else if status = refusalOf(err).status; status >= http.StatusInternalServerError {
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
