package icecast

import (
	"encoding/json"
	"net/http"
	"strings"

	"broadcastbot/internal/text"
)

const (
	statsPath    = "/status-json.xsl"
	metadataPath = "/admin/metadata"
)

// inform answers what programs ask beside their stream.
func (s *Server) inform(x *exchange) {
	switch path := strings.TrimPrefix(x.request.URL.Path, Prefix); path {
	case statsPath:
		s.stats(x)
	case metadataPath, metadataPath + ".xsl":
		s.metadata(x)
	default:
		x.answer(http.StatusNotFound, "There is nothing to hear here: shows have links of their own")
	}
}

// mountStats is a source in icecast's words.
type mountStats struct {
	ListenURL  string `json:"listenurl"` // programs find their mount by its end
	Listeners  int    `json:"listeners"`
	ServerType string `json:"server_type"`
}

// stats answers with the number of listeners. Who asks learns it of what is sent from their own
// address alone, and nobody learns a title: shows are not for everybody.
func (s *Server) stats(x *exchange) {
	var sources []mountStats
	for path, mount := range s.lines.sendingFrom(x.address()) {
		listeners, _ := s.Listeners(mount.Room, sourceOf(mount.ID))
		sources = append(sources, mountStats{"http://" + x.request.Host + path, listeners, "audio/ogg"})
	}
	var answer struct {
		Icestats struct {
			Source any `json:"source,omitempty"` // as icecast does: one is not a list
		} `json:"icestats"`
	}
	switch {
	case len(sources) == 1:
		answer.Icestats.Source = sources[0]
	case len(sources) > 1:
		answer.Icestats.Source = sources
	}
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // of strings and numbers
	}
	x.answerWith(http.StatusOK, "OK", "application/json", string(body))
}

// metadata takes what is playing from programs that do not say it in the stream.
func (s *Server) metadata(x *exchange) {
	query := x.request.URL.Query()
	mount, ok := s.authorize(x, mountOf(query.Get("mount")))
	if !ok {
		return
	}
	if !s.lines.play(mount.ID, text.Short(text.Line(query.Get("song")), maxName)) {
		x.answer(http.StatusBadRequest, "Nothing is sent to this mount")
		return
	}
	const done = `<?xml version="1.0"?>` + "\n<iceresponse><message>Metadata update successful</message><return>1</return></iceresponse>\n"
	x.answerWith(http.StatusOK, "OK", "text/xml", done)
}
