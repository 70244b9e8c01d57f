// Package link is the address of a show: of the page on which people listen, with all that opens the
// show behind its #, and of the growing file itself.
//
//	https://radio.example.org/listen/{id}#{key}&signer={signer}&t={seconds}&wave={bars}&seek={table}&sha256={hash}
//	https://radio.example.org/live/{id}            the file of an encrypted show
//	https://radio.example.org/live/{id}.opus       the file of a plain show
//
// No browser sends what is behind the # to a server. The cases in testdata/cases.json hold for this
// package and for the listen page alike.
package link

import (
	"bytes"
	"crypto/ed25519"
	"io"
	"time"

	"broadcastbot/opusblocks"
)

// Link says where a show is and what opens it.
type Link struct {
	Base string // public URL of the gateway, without a slash at its end
	ID   string // of the recording: base64url

	// Plain says that there is no key, so the show has to be one that is not encrypted. With a
	// key, a show that is not encrypted is refused: anybody could have put it there.
	Plain bool
	Key   opusblocks.Key // meaningless where Plain is set

	// Signer is the key by which a reader tells what the station has signed, 32 bytes; nil: nothing
	// is proven but what the key proves.
	Signer ed25519.PublicKey

	Start  *time.Duration       // the moment that the link points to; nil: none
	Wave   []byte               // the shape of the sound, 255 is the loudest; empty: not known
	Seek   opusblocks.SeekTable // of a finished show; empty: not known
	SHA256 []byte               // of the finished file, 32 bytes; nil: not known
}

// MaxSeek is how many characters of seek table a link should have at most: with more of them,
// messengers cut links or refuse them.
const MaxSeek = 2000

// String hides the key, so that it cannot slip into a log.
func (l Link) String() string { return l.Base + pageFolder + l.ID + "#(secret)" }

// GoString hides the key from %#v as well.
func (l Link) GoString() string { return l.String() }

// NewReader returns a reader of the show's file, whose bytes come from r.
func (l Link) NewReader(r io.Reader) *opusblocks.Reader {
	return l.Form().NewReader(r)
}

// Form returns the form of the show's file. Where the link names a signer, readers refuse what it has
// not signed.
func (l Link) Form() opusblocks.Form {
	form := opusblocks.Sealed(l.Key)
	if l.Plain {
		form = opusblocks.Plain()
	}
	return form.SignedBy(l.Signer)
}

// Equal reports whether two links say the same.
func (l Link) Equal(other Link) bool {
	return l.Base == other.Base && l.ID == other.ID && l.Plain == other.Plain && (l.Plain || l.Key == other.Key) &&
		bytes.Equal(l.Signer, other.Signer) && bytes.Equal(l.SHA256, other.SHA256) && equalTime(l.Start, other.Start) && bytes.Equal(l.Wave, other.Wave) && l.Seek.String() == other.Seek.String()
}

func equalTime(a, b *time.Duration) bool {
	return a == b || a != nil && b != nil && *a == *b
}
