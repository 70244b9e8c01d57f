package matrix

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"testing"

	"broadcastbot/internal/link"
	"broadcastbot/opusblocks"
)

// TestAnnouncementProves: the link of an announcement has all that a show is proven with, and no
// link comes of one whose signer cannot be read.
func TestAnnouncementProves(t *testing.T) {
	signer, hash := bytes.Repeat([]byte{7}, 32), sha256.Sum256(nil)
	file := opusblocks.NewKey().File("")
	a := Announcement{
		LiveURL: "https://g/live/abc", File: &file,
		Signer: link.FormatSigner(signer), SHA256: base64.RawStdEncoding.EncodeToString(hash[:]),
	}
	l, err := a.Link()
	if err != nil || !bytes.Equal(l.Signer, signer) || !bytes.Equal(l.SHA256, hash[:]) {
		t.Errorf("signer %x, hash %x, %v", l.Signer, l.SHA256, err)
	}
	a.SHA256 = "damaged"
	if l, err := a.Link(); err == nil {
		t.Errorf("a damaged hash is read as %x", l.SHA256)
	}
	a.SHA256 = ""
	a.Signer = a.Signer[1:]
	if l, err := a.Link(); err == nil {
		t.Errorf("a damaged signer is read as %x", l.Signer)
	}
	a.Signer = ""
	if l, err := a.Link(); err != nil || l.Signer != nil {
		t.Errorf("no signer is read as %x, %v", l.Signer, err)
	}
}
