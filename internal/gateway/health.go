package gateway

import "net/http"

// Stats is what a gateway is doing, and has done since it was made.
type Stats struct {
	Listeners int64 `json:"listeners"` // who follow a growing recording now
	Live      int64 `json:"live"`      // recordings whose upload goes on
	Dropped   int64 `json:"dropped"`   // listeners given up because they took nothing for too long
	BytesIn   int64 `json:"bytes_in"`  // stored
	BytesOut  int64 `json:"bytes_out"` // given to listeners
}

// Stats returns the present numbers.
func (g *Gateway) Stats() Stats {
	sent := g.hub.Stats()
	return Stats{
		Listeners: sent.Listeners,
		Live:      int64(g.catalogue.Stats().Growing),
		Dropped:   sent.Dropped,
		BytesIn:   g.bytesIn.Load(),
		BytesOut:  sent.Bytes,
	}
}

// Listeners returns how many follow a growing recording now.
func (g *Gateway) Listeners(recording string) int { return g.hub.Listeners(recording) }

// health answers GET /healthz.
func (g *Gateway) health(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, struct {
		Status string `json:"status"`
		Stats
	}{"ok", g.Stats()})
	return nil
}
