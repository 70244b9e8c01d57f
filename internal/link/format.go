package link

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// The folders of the gateway, and the suffix by which players know what to do with a plain show.
const (
	pageFolder = "/listen/"
	fileFolder = "/live/"
	plainName  = ".opus"
)

var encoding = base64.RawURLEncoding.Strict()

// PageURL is the link for people. It has the key of an encrypted show, so it belongs into encrypted
// messages only. Parse is its inverse.
func (l Link) PageURL() string {
	page := l.Base + pageFolder + l.ID
	if fragment := l.fragment(); fragment != "" {
		page += "#" + fragment
	}
	return page
}

// fragment is what stands behind the #: the key, which has no name, first.
func (l Link) fragment() string {
	var parts []string
	if !l.Plain {
		parts = append(parts, l.Key.Fragment())
	}
	if l.Signer != nil {
		parts = append(parts, "signer="+FormatSigner(l.Signer))
	}
	if l.Start != nil {
		parts = append(parts, "t="+seconds(*l.Start))
	}
	if len(l.Wave) > 0 {
		parts = append(parts, "wave="+FormatWave(l.Wave))
	}
	if table := l.Seek.String(); table != "" {
		parts = append(parts, "seek="+table)
	}
	if l.SHA256 != nil {
		parts = append(parts, "sha256="+encoding.EncodeToString(l.SHA256))
	}
	return strings.Join(parts, "&")
}

// seconds writes a moment exactly and without an exponent: 90, 12.5.
func seconds(moment time.Duration) string {
	text := fmt.Sprintf("%d.%09d", moment/time.Second, moment%time.Second)
	return strings.TrimRight(strings.TrimRight(text, "0"), ".")
}

// FileURL is where the growing file is served: that of a plain show under a name which every player
// of the web's radio understands. ParseFile is its inverse.
func (l Link) FileURL() string {
	if l.Plain {
		return l.StreamURL() + plainName
	}
	return l.StreamURL()
}

// StreamURL is where a reader of both forms finds the file. Unlike FileURL it answers also for an
// encrypted show whose key was forgotten, so that the reader can tell what is wrong.
func (l Link) StreamURL() string { return l.Base + fileFolder + l.ID }

// FormatSigner writes a signer as links and announcements have it, in 43 characters: see ParseSigner.
func FormatSigner(signer ed25519.PublicKey) string { return encoding.EncodeToString(signer) }

// FormatWave writes the shape of the sound as links have it: see ParseWave.
func FormatWave(wave []byte) string { return encoding.EncodeToString(wave) }
