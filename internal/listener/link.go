package listener

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"broadcastbot/opusblocks"
)

// Link is what a listener needs: where the ciphertext is, and the key.
type Link struct {
	URL string // of the growing file, such as https://radio.example.org/live/{id}
	Key opusblocks.Key
}

// ParseLink reads the link of an announcement: https://…/listen/{id}#{key}.
func ParseLink(link string) (Link, error) {
	page, fragment, ok := strings.Cut(strings.TrimSpace(link), "#")
	if !ok || fragment == "" {
		return Link{}, errors.New("the link has no key: copy all of it, with the part behind the # (and quote it in a shell)")
	}
	u, err := url.Parse(page)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return Link{}, errors.New("the link is not an address such as https://radio.example.org/listen/…#…")
	}
	base, id, ok := strings.Cut(u.Path, "/listen/")
	if !ok || id == "" || strings.Contains(id, "/") {
		return Link{}, errors.New("the link is not that of a show: its path has to be /listen/…")
	}
	key, err := opusblocks.ParseFragment(fragment)
	if err != nil {
		return Link{}, fmt.Errorf("read link: %w", err)
	}
	u.Path = base + "/live/" + id
	return Link{URL: u.String(), Key: key}, nil
}
