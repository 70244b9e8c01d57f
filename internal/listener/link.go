package listener

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"broadcastbot/opusblocks"
)

// Link is what a listener needs: where the file is, and the key.
type Link struct {
	URL string         // of the growing file, such as https://radio.example.org/live/{id}
	Key opusblocks.Key // of no use where the show is plain

	// Plain says that there is no key: the show has to be one that is not
	// encrypted. With a key, one that is not encrypted is refused: anybody could
	// have put it there.
	Plain bool

	Start *time.Duration       // the moment that the link points to; nil: none
	Table opusblocks.SeekTable // of a finished show, where the link has it
}

var errNoKey = errors.New("the link has no key: copy all of it, with the part behind the # (and quote it in a shell)")

// ParseLink reads the link of an announcement, https://…/listen/{id}#{key}, which
// may go on with parameters: &t={seconds}&seek={table}. A show that is not
// encrypted has no key; whether that is so, or the key was forgotten, only Open
// can tell.
func ParseLink(link string) (Link, error) {
	page, fragment, _ := strings.Cut(strings.TrimSpace(link), "#")
	u, err := url.Parse(page)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return Link{}, errors.New("the link is not an address such as https://radio.example.org/listen/…#…")
	}
	base, id, ok := strings.Cut(u.Path, "/listen/")
	if !ok || id == "" || strings.Contains(id, "/") {
		return Link{}, errors.New("the link is not that of a show: its path has to be /listen/…")
	}
	u.Path = base + "/live/" + id
	parsed := Link{URL: u.String()}
	if err := parsed.takeFragment(fragment); err != nil {
		return Link{}, fmt.Errorf("read link: %w", err)
	}
	return parsed, nil
}

// takeFragment reads what is behind the #: the key, which has no name, first.
func (l *Link) takeFragment(fragment string) (err error) {
	key, parameters, _ := strings.Cut(fragment, "&")
	if strings.Contains(key, "=") {
		key, parameters = "", fragment
	}
	if l.Plain = key == ""; !l.Plain {
		if l.Key, err = opusblocks.ParseFragment(key); err != nil {
			return err
		}
	}
	for parameter := range strings.SplitSeq(parameters, "&") {
		name, value, _ := strings.Cut(parameter, "=")
		l.takeParameter(name, value)
	}
	return nil
}

// takeParameter ignores what it does not know or understand: without it the
// show can be heard all the same.
func (l *Link) takeParameter(name, value string) {
	switch name {
	case "t":
		seconds, err := strconv.ParseFloat(value, 64)
		if err == nil && seconds >= 0 && seconds < math.MaxInt32 {
			start := time.Duration(seconds * float64(time.Second))
			l.Start = &start
		}
	case "seek":
		if table, err := opusblocks.ParseSeekTable(value); err == nil {
			l.Table = table
		}
	}
}
