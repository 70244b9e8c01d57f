package store

import (
	"crypto/ed25519"

	"broadcastbot/internal/link"
	"broadcastbot/opusblocks"
)

// Link is where the show is and what opens it.
func (t *Track) Link() link.Link {
	return link.Link{Base: t.Gateway, ID: t.ID, Plain: t.Plain, Key: t.Key, Signer: t.Signer()}
}

// Signer is the public half of Signing, also when that is gone; nil where there was none.
func (t *Track) Signer() ed25519.PublicKey {
	if t.Signing == nil {
		return t.signer
	}
	return t.Signing.Public().(ed25519.PublicKey)
}

// LiveURL is where the growing file is served.
func (t *Track) LiveURL() string { return t.Link().FileURL() }

// ListenURL is the link for people.
func (t *Track) ListenURL() string { return t.Link().PageURL() }

// ReplayURL is the link to a show that is over, with what a player would otherwise have to find out:
// how the sound looks, the hash of the file and, where packets vary in size, where in the file the
// moments are. What cannot be read is left out, because the link plays without it.
func (t *Track) ReplayURL() string {
	l := t.Link()
	l.Wave = link.ParseWave(t.Wave)
	l.SHA256 = link.ParseHash(t.SHA256)
	if t.Bitrate == 0 {
		table, _ := opusblocks.ParseSeekTable(t.Seek)
		l.Seek = table.Within(link.MaxSeek)
	}
	return l.PageURL()
}
