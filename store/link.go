package store

import (
	"strings"

	"broadcastbot/opusblocks"
)

// LiveURL is where the growing file is served: the one of a plain show under a
// name that players know what to do with.
func (b *Broadcast) LiveURL() string {
	if b.Plain {
		return b.Gateway + "/live/" + b.ID + ".opus"
	}
	return b.Gateway + "/live/" + b.ID
}

// ListenURL is the link for people. What is behind its # no browser sends to a
// server. An encrypted show has its key there, so the link belongs into
// encrypted messages only.
func (b *Broadcast) ListenURL() string { return b.link("", "") }

// ReplayURL is the link to a show that is over, with what a player would else
// have to find out: how the sound looks and, where packets vary in size, where
// in the file the moments are.
func (b *Broadcast) ReplayURL() string { return b.link(b.Wave, b.linkedSeek()) }

func (b *Broadcast) link(wave, seek string) string {
	var fragment []string
	if !b.Plain {
		fragment = append(fragment, b.Key.Fragment())
	}
	if wave != "" {
		fragment = append(fragment, "wave="+wave)
	}
	if seek != "" {
		fragment = append(fragment, "seek="+seek)
	}
	link := b.Gateway + "/listen/" + b.ID
	if len(fragment) == 0 {
		return link
	}
	return link + "#" + strings.Join(fragment, "&")
}

// maxLinkedSeek is how many characters of seek table a link bears.
const maxLinkedSeek = 2000

// linkedSeek returns the seek table as the link has it: none where all blocks
// are of one size, a coarser one where the show is long.
func (b *Broadcast) linkedSeek() string {
	if b.Bitrate != 0 || b.Seek == "" {
		return ""
	}
	table, err := opusblocks.ParseSeekTable(b.Seek)
	if err != nil {
		return ""
	}
	return table.Within(maxLinkedSeek).String()
}
