// Package player is the listen page, which plays a show in a browser: it has
// the page's files, and sends them.
//
// Its JavaScript is plain modules, without a build step. index.html begins
// with main.js, which wires what the listener sees and does (ui/) to the
// player (player.js; recording.js is what it knows of the show). A block goes
// through these folders on its way to the ear:
//
//	format/  what the bytes of a show mean: FORMAT.md, Ogg, Opus, links
//	fetch/   requests, retries and seeking
//	sound/   decoder, loudspeaker, distance to the live edge
//
// vendor/ is the work of others, testing/ is for the tests beside the modules.
package player

import (
	"embed"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"broadcastbot/internal/webpage"
)

//go:embed *.html *.css *.svg *.js format/*.js fetch/*.js sound/*.js ui/*.js vendor/*.js
var files embed.FS

// Shared is what the studio page, the other end of a show, has in common with this one: looks, elements,
// settings, retries and the decoder.
//
//go:embed base.css icon.svg ui/dom.js ui/settings.js ui/time.js fetch/retry.js format/opus.js format/refusal.js sound/decoder.js vendor/opus-decoder.min.js
var Shared embed.FS

// Page sends the files of the listen page. Make one with [New].
type Page struct {
	files *webpage.Files
}

// New prepares the files. Pages of the origins in embedders, such as
// https://chat.example.org, may show the listen page in a frame.
func New(embedders []string) (*Page, error) {
	if err := CheckEmbedders(embedders); err != nil {
		return nil, err
	}
	loaded, err := webpage.Load(files, map[string]string{"Content-Security-Policy": policy(embedders)})
	if err != nil {
		return nil, err
	}
	return &Page{loaded}, nil
}

// policy is the page's Content-Security-Policy. Beyond that of all pages, sound comes from memory.
func policy(embedders []string) string {
	ancestors := "'none'"
	if len(embedders) > 0 {
		ancestors = strings.Join(embedders, " ")
	}
	return webpage.Policy(ancestors, "media-src blob:")
}

// CheckEmbedders refuses what is no origin: anything else in the page's policy
// could undo the rest of it.
func CheckEmbedders(origins []string) error {
	for _, origin := range origins {
		u, err := url.Parse(origin)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.Scheme+"://"+u.Host != origin || strings.ContainsAny(origin, " ;,'\"") {
			return fmt.Errorf("%q is not an origin like https://chat.example.org", origin)
		}
	}
	return nil
}

// ServeIndex sends the page itself with a status. The page is the same for
// every show: which one it is about, and its key, are in the address. So it is
// also sent for one that is not there, and then says so.
func (p *Page) ServeIndex(w http.ResponseWriter, r *http.Request, status int) {
	p.files.Send(w, r, "index.html", status)
}

// ServeAsset sends a file that the page refers to as player/name, and reports
// whether there is one.
func (p *Page) ServeAsset(w http.ResponseWriter, r *http.Request, name string) (found bool) {
	return p.files.Send(w, r, name, http.StatusOK)
}
