package bot

import (
	"fmt"
	"html"
	"strings"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/matrix"
	"broadcastbot/internal/text"
	"broadcastbot/store"
)

// newBlock is what the announcement says to programs.
func newBlock(b *store.Broadcast) matrix.Announcement {
	a := matrix.Announcement{
		State: b.State, Title: b.Title, Speaker: b.Speaker, StartedAt: b.StartedAt.UnixMilli(),
		LiveURL:  b.LiveURL(),
		Info:     matrix.AnnouncementInfo{MimeType: "audio/ogg; codecs=opus", Bitrate: b.Bitrate, BlockMS: b.BlockDuration.Milliseconds()},
		Duration: b.Duration.Milliseconds(), Size: b.Size, Blocks: b.Blocks, SHA256: b.SHA256, Seek: b.Seek,
	}
	if b.Plain {
		a.URL = b.MXC
	} else {
		file := b.Key.File(b.MXC)
		a.File = &file
	}
	return a
}

// announcement is the message about a show, as it stands now. name is the
// speaker's in the room.
func announcement(b *store.Broadcast, name string) *event.Content {
	return &event.Content{
		Parsed: announcementText(b, name, b.ListenURL()),
		Raw:    map[string]any{matrix.AnnouncementField: newBlock(b)},
	}
}

// announcementEdit replaces the announcement. Its first half is for clients that know no edits: they
// get the whole sentence, which mautrix's SetEdit would cut before the link. It goes without the seek
// table and what a link can do without, because an event has 64 KiB and encryption makes four bytes of
// three.
func announcementEdit(b *store.Broadcast, name string) *event.Content {
	text := announcementText(b, name, b.ListenURL())
	text.Body, text.FormattedBody = "* "+text.Body, "* "+text.FormattedBody
	text.RelatesTo = new(event.RelatesTo).SetReplace(id.EventID(b.Event))
	text.NewContent = announcementText(b, name, b.ReplayURL())
	brief := newBlock(b)
	brief.Seek = ""
	return &event.Content{
		Parsed: text,
		Raw: map[string]any{
			matrix.AnnouncementField: brief,
			"m.new_content":          map[string]any{matrix.AnnouncementField: newBlock(b)},
		},
	}
}

// announcementText is the part for people. The empty mentions keep a title
// with @room in it from ringing every telephone.
func announcementText(b *store.Broadcast, name, url string) *event.MessageEventContent {
	label, rest, link := phrases(b, name)
	if b.Plain {
		rest += " The show is not encrypted: everybody with this address can hear it."
	}
	return &event.MessageEventContent{
		MsgType: event.MsgText,
		Body:    fmt.Sprintf("%s %s %s: %s", label, rest, link, url),
		Format:  event.FormatHTML,
		FormattedBody: fmt.Sprintf(`<strong>%s</strong> %s <a href="%s">%s</a>`,
			label, html.EscapeString(rest), html.EscapeString(url), link),
		Mentions: &event.Mentions{},
	}
}

// phrases are the parts of the sentence.
func phrases(b *store.Broadcast, name string) (label, rest, link string) {
	title := strings.TrimPrefix(b.Title+" — ", " — ")
	switch b.State {
	case store.Live:
		return "🔴 LIVE:", title + name + " is on air.", "Listen"
	case store.Interrupted:
		return "⚠️ Broken off:", fmt.Sprintf("%s%s was on air for %s (%s).",
			title, name, text.Clock(b.Duration), text.Line(strings.TrimSuffix(b.Reason, "."))), "Listen again"
	default:
		return "⏹️ Ended:", fmt.Sprintf("%s%s was on air for %s.", title, name, text.Clock(b.Duration)), "Listen again"
	}
}
