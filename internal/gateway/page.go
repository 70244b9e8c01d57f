package gateway

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strings"
)

//go:embed listen.html
var listenHTML string

// listenPolicy forbids the page everything but its own style sheet. Nothing on
// it may ever see the key behind the address's #.
var listenPolicy = "default-src 'none'; style-src '" + styleHash(listenHTML) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// styleHash returns the CSP source of the page's one style element.
func styleHash(page string) string {
	_, rest, _ := strings.Cut(page, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	hash := sha256.Sum256([]byte(style))
	return "sha256-" + base64.StdEncoding.EncodeToString(hash[:])
}

// listenPage answers GET /listen/{id}. The page is the same for every
// recording: which one it is about, and its key, are in the address.
func (g *Gateway) listenPage(w http.ResponseWriter, r *http.Request) error {
	rec, err := g.shelf.acquire(r.PathValue("id"))
	if err != nil {
		return err
	}
	defer g.shelf.release(rec)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", listenPolicy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
	_, err = w.Write([]byte(listenHTML))
	return err
}
