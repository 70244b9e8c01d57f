package icecast

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/text"
	"broadcastbot/internal/turns"
	"broadcastbot/store"
)

// push takes a stream.
func (s *Server) push(x *exchange) {
	mount, ok := s.authorize(x, mountOf(x.request.URL.Path))
	if !ok {
		return
	}
	if why, repeated := s.refusals.repeated(mount.ID); repeated {
		x.answer(http.StatusUnsupportedMediaType, why)
		return
	}
	if why := foreignType(x.request); why != "" {
		x.answer(http.StatusUnsupportedMediaType, why)
		return
	}
	if x.isHollow() {
		x.answer(http.StatusLengthRequired, "The web server before the station passes no stream without a length on: use the station's own port")
		return
	}
	x.accept()
	log := s.Log.With("mount", mount.ID, "room", mount.Room, "speaker", mount.Speaker)
	log.Info("a program sends", "program", text.Short(text.Line(x.request.UserAgent()), maxName))
	l := s.lines.join(mount, x)
	if err := check(s.life, s.Mounts, mount); err != nil { // after it has joined: what is made void from now on finds the line
		log.Info("a program has come with a password that was made void meanwhile", "err", err)
		s.lines.leave(l, x, err)
		return
	}
	body := &watched{Reader: x.body(), received: l.feed.Received}
	err := l.read(body, func(tags oggopus.Tags) { s.began(l, mount, x, tags) })
	log.Info("a program has stopped sending", "err", err)
	s.lines.leave(l, x, err)
	if !body.ended && isForeign(err) {
		s.refuse(mount, err, true)
		x.answer(http.StatusUnsupportedMediaType, text.Headline(err, maxName))
		return
	}
	x.finish()
}

// soundless is how long a program may send without a sound: longer than what is between two pages of Ogg.
const soundless = 20 * time.Second

var errSoundless = errors.New("the program sends, but no sound")

// watched notes whether a stream came to its end, and ends one in which there is no sound.
type watched struct {
	io.Reader
	received func() int // packets so far
	count    int
	latest   time.Time // that there were more of them
	ended    bool
}

func (w *watched) Read(b []byte) (n int, err error) {
	if count := w.received(); count != w.count || w.latest.IsZero() {
		w.count, w.latest = count, time.Now()
	}
	if time.Since(w.latest) > soundless {
		err = errSoundless
	} else {
		n, err = w.Reader.Read(b)
	}
	w.ended = w.ended || err != nil
	return n, err
}

// mountOf is the id of the mount in a path: /icecast/ID, or /ID. Some programs want the name to end
// like that of a file.
func mountOf(path string) string {
	name := strings.TrimPrefix(strings.TrimPrefix(path, Prefix), "/")
	for _, end := range []string{".opus", ".ogg"} {
		name = strings.TrimSuffix(name, end)
	}
	return name[:min(len(name), maxID)]
}

// maxID is far more than the id of a mount has: what others ask for is remembered for a while.
const maxID = 64

// authorize checks the password of a request, and answers it if that is wrong. The user's name may be
// any: it is "source" in most programs.
func (s *Server) authorize(x *exchange, id string) (mount store.Mount, ok bool) {
	_, password, given := x.request.BasicAuth()
	if !given { // libshout asks like this what it needs
		x.answer(http.StatusUnauthorized, "The password is missing", challenge)
		return store.Mount{}, false
	}
	err := s.guard.try(s.life, x.address(), id, func() (err error) {
		mount, err = s.Mounts.Authorize(s.life, id, password)
		return err
	})
	switch {
	case err == nil:
		return mount, true
	case errors.Is(err, store.ErrWrongPassword):
		s.Log.Info("a wrong password", "address", x.address())
		x.answer(http.StatusUnauthorized, "Mount or password is wrong", challenge)
	case errors.Is(err, turns.ErrBusy):
		x.answer(http.StatusTooManyRequests, "Too many attempts: try again in a minute")
	default:
		s.Log.Error("a password was not checked", "err", err)
		x.answer(http.StatusServiceUnavailable, "The station cannot check the password now")
	}
	return store.Mount{}, false
}

const challenge = `WWW-Authenticate: Basic realm="broadcastbot"`

// codecs are what the types of streams mean that are not Opus in Ogg.
var codecs = map[string]string{
	"audio/mpeg": "MP3", "audio/mp3": "MP3", "audio/aac": "AAC", "audio/aacp": "AAC", "audio/mp4": "AAC",
	"audio/webm": "WebM", "video/webm": "WebM", "audio/x-matroska": "Matroska", "audio/flac": "FLAC",
}

// foreignType says why a stream of this type is not taken, or "".
func foreignType(r *http.Request) string {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if codec := codecs[kind]; codec != "" {
		return fmt.Sprintf("%s means %s: set the program to Opus in Ogg, type audio/ogg", kind, codec)
	}
	return ""
}

// isForeign reports whether a stream could not be read because of what it is.
func isForeign(err error) bool {
	return errors.Is(err, oggopus.ErrNotOpus) || errors.Is(err, oggopus.ErrMapping) || errors.Is(err, oggopus.ErrMalformed)
}

// maxName is how many characters a name has that a program gives.
const maxName = 200

// began is called for each link of a chain, before its sound goes to a show.
func (s *Server) began(l *line, mount store.Mount, x *exchange, tags oggopus.Tags) {
	if s.lines.note(l, songOf(tags)) && s.Auto {
		s.running.Go(func() { s.goOnAir(l, mount, titleOf(x.request.Header.Get("Ice-Name"))) })
	}
}

// check returns nil if a mount that was looked up before is still the speaker's.
func check(ctx context.Context, mounts Mounts, mount store.Mount) error {
	now, err := mounts.Mount(ctx, mount.Room, mount.Speaker)
	if err == nil && now.ID != mount.ID {
		err = store.ErrNoMount
	}
	return err
}

// goOnAir starts the show of a program that has connected, perhaps long ago. If its mount is made void
// after the check, the line has ended before the show can open it.
func (s *Server) goOnAir(l *line, mount store.Mount, title string) {
	if err := check(s.life, s.Mounts, mount); err != nil {
		s.Log.Warn("a program is not put on air", "mount", mount.ID, "err", err)
		s.lines.end(l)
		return
	}
	by := capture.Asker{Room: mount.Room, User: mount.Speaker}
	if _, err := s.Stage.StartFor(s.life, by, sourceOf(mount.ID), title); err != nil {
		s.refuse(mount, err, false)
		s.lines.end(l)
	}
}

// nameless are what programs call a stream that nobody has named.
var nameless = []string{"no name", "unspecified name", "untitled", "my station name", "unnamed stream"}

// titleOf is the title of a show whose stream has this name.
func titleOf(name string) string {
	name = text.Short(text.Line(name), maxName)
	for _, none := range nameless {
		if strings.EqualFold(name, none) {
			return ""
		}
	}
	return name
}

// songOf is what the tags of a stream say that is playing.
func songOf(tags oggopus.Tags) string {
	song := strings.TrimPrefix(tags.Get("artist")+" - "+tags.Get("title"), " - ")
	return text.Short(text.Line(strings.TrimSuffix(song, " - ")), maxName)
}
