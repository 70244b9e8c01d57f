package store

import (
	"broadcastbot/internal/link"
	"broadcastbot/opusblocks"
)

// Link is where the show is and what opens it.
func (b *Broadcast) Link() link.Link {
	return link.Link{Base: b.Gateway, ID: b.ID, Plain: b.Plain, Key: b.Key}
}

// LiveURL is where the growing file is served.
func (b *Broadcast) LiveURL() string { return b.Link().FileURL() }

// ListenURL is the link for people.
func (b *Broadcast) ListenURL() string { return b.Link().PageURL() }

// ReplayURL is the link to a show that is over, with what a player would otherwise have to find out:
// how the sound looks and, where packets vary in size, where in the file the moments are. What
// cannot be read is left out, because the link plays without it.
func (b *Broadcast) ReplayURL() string {
	l := b.Link()
	l.Wave = link.ParseWave(b.Wave)
	if b.Bitrate == 0 {
		table, _ := opusblocks.ParseSeekTable(b.Seek)
		l.Seek = table.Within(link.MaxSeek)
	}
	return l.PageURL()
}
