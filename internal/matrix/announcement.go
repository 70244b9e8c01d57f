package matrix

import (
	"encoding/json"
	"errors"
	"fmt"

	"broadcastbot/internal/link"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
)

// AnnouncementField is the field of an announcement that programs read. In an
// edit it stands in m.new_content too.
const AnnouncementField = "org.broadcastbot.broadcast"

// Announcement is what the message about a show says to programs. Times are
// milliseconds.
type Announcement struct {
	State     store.State      `json:"state"`
	Title     string           `json:"title"`
	Speaker   string           `json:"speaker"`
	StartedAt int64            `json:"started_at"`
	LiveURL   string           `json:"live_url"`
	File      *opusblocks.File `json:"file,omitempty"`   // of an encrypted show; without url while the homeserver has promised no address
	URL       string           `json:"url,omitempty"`    // of a plain show, in the place of File
	Signer    string           `json:"signer,omitempty"` // Ed25519 key of the show's checkpoints, base64url
	Info      AnnouncementInfo `json:"info"`
	Duration  int64            `json:"duration"`
	Size      int64            `json:"size"`
	Blocks    int64            `json:"blocks"`
	SHA256    string           `json:"sha256"`
	Seek      string           `json:"seek"`
}

// Link returns where the show is and what opens it. Without a seek table that can be read, seeking
// is slower, not wrong. A signer or a hash that cannot be read is an error, because nothing would be
// proven or compared without it.
func (a Announcement) Link() (link.Link, error) {
	l, err := link.ParseFile(a.LiveURL)
	if err != nil {
		return link.Link{}, fmt.Errorf("read the announcement: %w", err)
	}
	if l.Plain = a.File == nil; !l.Plain {
		if l.Key, err = a.File.Secret(); err != nil {
			return link.Link{}, fmt.Errorf("read the announcement: %w", err)
		}
	}
	if a.Signer != "" {
		if l.Signer, err = link.ParseSigner(a.Signer); err != nil {
			return link.Link{}, fmt.Errorf("read the announcement: %w", err)
		}
	}
	if l.SHA256 = link.ParseHash(a.SHA256); l.SHA256 == nil && a.SHA256 != "" {
		return link.Link{}, errors.New("read the announcement: its hash is damaged")
	}
	l.Seek, _ = opusblocks.ParseSeekTable(a.Seek)
	return l, nil
}

// AnnouncementInfo describes the sound.
type AnnouncementInfo struct {
	MimeType string `json:"mimetype"`
	Bitrate  int    `json:"bitrate"`
	BlockMS  int64  `json:"block_ms"`
}

// FindAnnouncement reads the announcement out of a message's content, of an
// edit the new one. ok is false where there is none.
func FindAnnouncement(content map[string]any) (a Announcement, ok bool) {
	field, ok := content[AnnouncementField]
	if edited, isEdit := content["m.new_content"].(map[string]any); isEdit {
		field, ok = edited[AnnouncementField]
	}
	if !ok {
		return Announcement{}, false
	}
	text, err := json.Marshal(field)
	if err != nil || json.Unmarshal(text, &a) != nil {
		return Announcement{}, false
	}
	return a, true
}
