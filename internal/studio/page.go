// Package studio is the page from which a speaker goes on air: it has the page's files, and sends them.
//
// Its JavaScript is plain modules, without a build step. index.html begins with main.js, which wires
// what the speaker sees and does (ui/) to the studio (studio.js). A frame of sound goes through these
// folders on its way to the station:
//
//	capture/  from the microphone to 20 ms frames of 48 kHz: worklet.js, framer.js, microphone.js, input.js
//	encode/   from frames to Opus packets: encoding.js and an encoder
//	line/     numbered and kept until the station has them on disk (keep.js), sent over one WebSocket
//	          after the other (line.js)
//
// What the listen page has in common with it is sent under player/. vendor/ is the work of others.
package studio

import (
	"embed"
	"io/fs"
	"net/http"
	"strings"

	"broadcastbot/internal/player"
	"broadcastbot/internal/webpage"
)

//go:embed *.html *.css *.js capture/*.js encode/*.js line/*.js ui/*.js vendor/libopus-wasm/*.js vendor/libopus-wasm/generated/*.mjs
var files embed.FS

// header has the page's policies: it runs no script but the station's own, and uses nothing of the
// device but the microphone.
var header = map[string]string{
	"Content-Security-Policy":    webpage.Policy("'none'"),
	"Permissions-Policy":         "microphone=(self), screen-wake-lock=(self), camera=(), geolocation=(), display-capture=()",
	"Cross-Origin-Opener-Policy": "same-origin",
}

// prefix is where the page is; what goes over the speaker's line is a matter of others.
const prefix = "/studio/"

// Handler serves the page at /studio/ and what it is made of below that: the modules of this folder at
// /studio/studio/, and those of the listen page at /studio/player/, as they lie beside each other here.
func Handler() http.Handler {
	own, shared := mustLoad(files), mustLoad(player.Shared)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "the studio page can only be read", http.StatusMethodNotAllowed)
			return
		}
		folder, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, prefix), "/")
		found := false
		switch {
		case folder == "" && name == "":
			found = own.Send(w, r, "index.html", http.StatusOK)
		case folder == "studio":
			found = own.Send(w, r, name, http.StatusOK)
		case folder == "player":
			found = shared.Send(w, r, name, http.StatusOK)
		}
		if !found {
			http.NotFound(w, r)
		}
	})
}

// mustLoad prepares files that are part of the program: they are there.
func mustLoad(folder fs.FS) *webpage.Files {
	loaded, err := webpage.Load(folder, header)
	if err != nil {
		panic(err)
	}
	return loaded
}
