// Package gateway is the HTTP side of broadcasting: it takes uploads as they arrive and serves them
// while they grow.
//
// An uploader appends with tus 1.0.0 (https://tus.io/protocols/resumable-upload), listeners read
// with plain HTTP ranges, and those who want what is still to come follow the growing file as RFC
// 8673 describes. Of encrypted shows the gateway sees ciphertext only. Package recordings keeps the
// recordings, and package fanout serves the thousands who follow one.
//
//	upload.go, append.go           what an uploader may do
//	live.go, byterange.go, send.go what a listener asks and is answered
//	access.go, refusal.go          who may upload, and every way to say no
//	page.go                        the page that plays a show in a browser
package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"broadcastbot/internal/fanout"
	"broadcastbot/internal/player"
	"broadcastbot/internal/recordings"
)

// Options says how a gateway is run.
type Options struct {
	Recordings *recordings.Catalogue // closed by [Gateway.Close]
	Token      string                // what an uploader has to present; must not be empty
	PublicURL  string                // where listeners reach the gateway, such as https://radio.example.org; may be empty
	MaxSize    int64                 // bytes of the largest recording; 0 means no limit
	Embedders  []string              // origins, such as https://chat.example.org, whose pages may show the listen page in a frame
	Log        *slog.Logger          // nil discards
}

// Gateway is the HTTP side of broadcasting. Make one with [New].
type Gateway struct {
	publicURL string
	token     token
	maxSize   int64
	log       *slog.Logger
	catalogue *recordings.Catalogue
	hub       *fanout.Hub
	page      *player.Page
	bytesIn   atomic.Int64

	uploadIdle time.Duration // an upload that brings nothing for so long is stopped
}

// listenerStall is how long a listener may take nothing, or not a whole chunk of what they missed.
const listenerStall = 30 * time.Second

// New returns a gateway to o.Recordings. It starts no goroutine.
func New(o Options) (*Gateway, error) {
	if o.Token == "" {
		return nil, errors.New("the gateway needs an upload token, or everybody could upload: set gateway.upload_token")
	}
	if err := checkPublicURL(o.PublicURL); err != nil {
		return nil, err
	}
	page, err := player.New(o.Embedders)
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		publicURL:  strings.TrimSuffix(o.PublicURL, "/"),
		token:      newToken(o.Token),
		maxSize:    o.MaxSize,
		log:        o.Log,
		catalogue:  o.Recordings,
		uploadIdle: time.Minute,
		page:       page,
	}
	if g.maxSize <= 0 || g.maxSize > noLimit {
		g.maxSize = noLimit
	}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	g.hub = fanout.New(listenerStall, g.log)
	return g, nil
}

func checkPublicURL(public string) error {
	if public == "" {
		return nil
	}
	u, err := url.Parse(public)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("the gateway's public URL %q is no address like https://radio.example.org", public)
	}
	return nil
}

// Handler serves uploads, listeners, the listen page and the health check.
//
// Its server must not limit the total time of a request; the handler moves the deadlines itself,
// through [http.ResponseController]. On plain HTTP/1.1 a follower's connection is hijacked, so
// [http.Server.Shutdown] does not know of it: call Close as well.
func (g *Gateway) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/upload", g.methods(map[string]handler{
		http.MethodOptions: g.describeUpload,
		http.MethodPost:    g.authorised(g.createUpload),
	}))
	mux.Handle("/upload/{id}", g.methods(map[string]handler{
		http.MethodOptions: g.describeUpload,
		http.MethodHead:    g.authorised(g.uploadOffset),
		http.MethodPatch:   g.authorised(g.appendUpload),
		http.MethodDelete:  g.authorised(g.deleteUpload),
	}))
	mux.Handle("/live/{id}", g.methods(map[string]handler{
		http.MethodOptions: preflight,
		http.MethodGet:     g.live,
		http.MethodHead:    g.live,
	}))
	mux.Handle("/listen/{id}", g.methods(map[string]handler{
		http.MethodGet:  g.listenPage,
		http.MethodHead: g.listenPage,
	}))
	mux.Handle("/listen/player/{file...}", g.methods(map[string]handler{
		http.MethodGet:  g.pageAsset,
		http.MethodHead: g.pageAsset,
	}))
	mux.Handle("/healthz", g.methods(map[string]handler{
		http.MethodGet:  g.health,
		http.MethodHead: g.health,
	}))
	mux.Handle("/", g.methods(nil))
	return mux
}

// Close cuts off everybody who uploads or listens, refuses who comes later, and returns when the
// last of them has left. Nothing that was stored is lost: when the same recordings are opened
// again, unfinished uploads can go on.
func (g *Gateway) Close() error {
	g.catalogue.Close()
	return nil
}
