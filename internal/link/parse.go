package link

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"

	"broadcastbot/opusblocks"
)

var (
	errAddress   = errors.New("the link is not an address such as https://radio.example.org/listen/…#…")
	errPage      = errors.New("the link is not that of a show: its path has to be /listen/…")
	errLineBreak = errors.New("there is a line break in it")
	errFile      = errors.New("the address is not that of a show's file: its path has to be /live/…")
)

// Parse reads the link of a page: the inverse of Link.PageURL. A show that is not encrypted has no
// key; whether that is so, or the key was forgotten, only the file can tell. Parameters that are
// unknown or damaged are ignored: the show can be heard without them.
func Parse(text string) (Link, error) {
	page, fragment, _ := strings.Cut(strings.TrimSpace(text), "#")
	var l Link
	var err error
	if l.Base, l.ID, err = split(page, pageFolder, errPage); err != nil {
		return Link{}, err
	}
	if err := l.parseFragment(fragment); err != nil {
		return Link{}, fmt.Errorf("read link: %w", err)
	}
	return l, nil
}

// ParseFile reads the address of a show's file: the inverse of Link.FileURL. The key of an encrypted
// show is not in it and has to be added.
func ParseFile(address string) (l Link, err error) {
	address, l.Plain = strings.CutSuffix(address, plainName)
	if l.Base, l.ID, err = split(address, fileFolder, errFile); err != nil {
		return Link{}, err
	}
	return l, nil
}

// split takes an address apart: the gateway's, and the id in one of its folders. Errors do not quote
// the address, because a key may stand in a wrong place of it.
func split(address, folder string, errFolder error) (base, id string, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return "", "", errAddress
	}
	path := u.EscapedPath()
	at := strings.LastIndex(path, folder)
	if at < 0 || !isID(path[at+len(folder):]) {
		return "", "", errFolder
	}
	root := url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host}
	return root.String() + path[:at], path[at+len(folder):], nil
}

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func isID(s string) bool { return s != "" && strings.Trim(s, base64url) == "" }

// parseFragment reads what is behind the #: the key, which has no name, first.
func (l *Link) parseFragment(fragment string) (err error) {
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
		l.setParameter(name, value)
	}
	return nil
}

// setParameter notes one parameter; of several with one name the last one counts.
func (l *Link) setParameter(name, value string) {
	switch name {
	case "t":
		l.Start = parseSeconds(value)
	case "wave":
		l.Wave = ParseWave(value)
	case "seek":
		if _, err := decode(value); err == nil {
			l.Seek, _ = opusblocks.ParseSeekTable(value)
		}
	}
}

// ParseWave reads the shape of the sound as links write it, in base64url; nil where it is something
// else.
func ParseWave(value string) []byte {
	wave, err := decode(value)
	if err != nil {
		return nil
	}
	return wave
}

// decode reads base64url of which a value has one spelling only: the left-over bits are zero, and
// there are no line breaks, which Go's decoder ignores.
func decode(value string) ([]byte, error) {
	if strings.ContainsAny(value, "\r\n") {
		return nil, errLineBreak
	}
	return encoding.DecodeString(value)
}

// parseSeconds reads decimal seconds; nil where it is something else, or more than 68 years.
func parseSeconds(value string) *time.Duration {
	if strings.Trim(value, "0123456789.") != "" {
		return nil
	}
	moment, err := time.ParseDuration(value + "s")
	if err != nil || moment >= math.MaxInt32*time.Second {
		return nil
	}
	return &moment
}
