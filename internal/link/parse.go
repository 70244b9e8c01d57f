package link

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
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
	errSigner    = errors.New("the signer in the link is damaged: 43 characters are expected behind signer=")
	errHash      = errors.New("the hash in the link is damaged: 43 characters are expected behind sha256=")
	errFile      = errors.New("the address is not that of a show's file: its path has to be /live/…")
)

// Parse reads the link of a page: the inverse of Link.PageURL. A show that is not encrypted has no
// key; whether that is so, or the key was forgotten, only the file can tell. Parameters that are
// unknown or damaged are ignored: the show can be heard without them. Only a damaged signer or hash is
// an error, because without it nothing would be proven or compared, and nobody would notice.
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
	root := (&url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host}).String()
	if _, err := url.Parse(root); err != nil { // an address can have bytes that none can be written with
		return "", "", errAddress
	}
	return root + path[:at], path[at+len(folder):], nil
}

const urlCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func isID(s string) bool { return s != "" && strings.Trim(s, urlCharacters) == "" }

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
	values := map[string]string{} // of several with one name the last one counts
	for parameter := range strings.SplitSeq(parameters, "&") {
		name, value, _ := strings.Cut(parameter, "=")
		values[name] = value
	}
	l.setHelps(values)
	return l.setProofs(values)
}

// setProofs reads what a listener must not go without where it is there.
func (l *Link) setProofs(parameters map[string]string) (err error) {
	if signer, ok := parameters["signer"]; ok {
		if l.Signer, err = ParseSigner(signer); err != nil {
			return err
		}
	}
	if hash, ok := parameters["sha256"]; ok {
		if l.SHA256 = exactly(sha256.Size, hash); l.SHA256 == nil {
			return errHash
		}
	}
	return nil
}

// setHelps reads what a listener can do without.
func (l *Link) setHelps(parameters map[string]string) {
	l.Start = parseSeconds(parameters["t"])
	if wave, ok := parameters["wave"]; ok {
		l.Wave = ParseWave(wave)
	}
	if _, err := decode(parameters["seek"]); err == nil {
		l.Seek, _ = opusblocks.ParseSeekTable(parameters["seek"])
	}
}

// ParseSigner reads the public key that checkpoints are signed with, as links and announcements write
// it.
func ParseSigner(value string) (ed25519.PublicKey, error) {
	if signer := exactly(ed25519.PublicKeySize, value); signer != nil {
		return signer, nil
	}
	return nil, errSigner
}

// exactly reads base64url of so many bytes; nil where it is something else.
func exactly(bytes int, value string) []byte {
	raw, err := decode(value)
	if err != nil || len(raw) != bytes {
		return nil
	}
	return raw
}

// ParseHash reads the SHA-256 of a file as announcements write it, in base64 without padding. It returns
// nil where that is damaged, which is not the same as an announcement without a hash: then nothing was
// to be compared.
func ParseHash(value string) []byte {
	hash, err := base64.RawStdEncoding.Strict().DecodeString(value)
	if err != nil || len(hash) != sha256.Size {
		return nil
	}
	return hash
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
