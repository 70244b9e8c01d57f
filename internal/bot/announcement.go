package bot

import (
	"fmt"
	"html"
	"strings"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"broadcastbot/internal/link"
	"broadcastbot/internal/matrix"
	"broadcastbot/internal/text"
	"broadcastbot/store"
)

// announcementFields are what the announcement says to programs.
func announcementFields(show *store.Show) matrix.Announcement {
	t := show.Main()
	a := matrix.Announcement{
		State: show.State(), Title: show.Title, Speaker: show.Speaker, StartedAt: show.StartedAt.UnixMilli(),
		LiveURL:  t.LiveURL(),
		Info:     matrix.AnnouncementInfo{MimeType: "audio/ogg; codecs=opus", Bitrate: t.Bitrate, BlockMS: t.BlockDuration.Milliseconds()},
		Duration: t.Duration.Milliseconds(), Size: t.Size, Blocks: t.Blocks, SHA256: t.SHA256, Seek: t.Seek,
	}
	if signer := t.Signer(); signer != nil {
		a.Signer = link.FormatSigner(signer)
	}
	if t.Plain {
		a.URL = t.Address()
	} else {
		file := t.Key.File(t.Address())
		a.File = &file
	}
	return a
}

// announcement is the message about a show, as it stands now. name is the speaker's in the room.
func announcement(show *store.Show, name string) *event.Content {
	return &event.Content{
		Parsed: announcementText(show, name, show.Main().ListenURL()),
		Raw:    map[string]any{matrix.AnnouncementField: announcementFields(show)},
	}
}

// announcementEdit replaces the announcement. Its first half is for clients that know no edits:
// they get the whole sentence, which mautrix's SetEdit would cut before the link. It goes without
// the seek table and what a link can do without, because an event has 64 KiB and encryption makes
// four bytes of three.
func announcementEdit(show *store.Show, announced, name string) *event.Content {
	edit := announcementText(show, name, show.Main().ListenURL())
	edit.Body, edit.FormattedBody = "* "+edit.Body, "* "+edit.FormattedBody
	edit.RelatesTo = new(event.RelatesTo).SetReplace(id.EventID(announced))
	edit.NewContent = announcementText(show, name, show.Main().ReplayURL())
	brief := announcementFields(show)
	brief.Seek = ""
	return &event.Content{
		Parsed: edit,
		Raw: map[string]any{
			matrix.AnnouncementField: brief,
			"m.new_content":          map[string]any{matrix.AnnouncementField: announcementFields(show)},
		},
	}
}

// announcementText is the part for people. The empty mentions keep a title with @room in it from
// ringing every telephone.
func announcementText(show *store.Show, name, url string) *event.MessageEventContent {
	label, rest, action := phrases(show, name)
	if show.Main().Plain {
		rest += " The show is not encrypted: everybody with this address can hear it."
	}
	return &event.MessageEventContent{
		MsgType: event.MsgText,
		Body:    fmt.Sprintf("%s %s %s: %s", label, rest, action, url),
		Format:  event.FormatHTML,
		FormattedBody: fmt.Sprintf(`<strong>%s</strong> %s <a href="%s">%s</a>`,
			label, html.EscapeString(rest), html.EscapeString(url), action),
		Mentions: &event.Mentions{},
	}
}

// maxReason is how many characters a room reads of why a show has broken off.
const maxReason = 300

// phrases are the parts of the sentence.
func phrases(show *store.Show, name string) (label, rest, action string) {
	title := strings.TrimPrefix(show.Title+" — ", " — ")
	lasted := " for " + text.Clock(show.Main().Duration)
	switch show.State() {
	case store.StateLive:
		return "🔴 LIVE:", title + name + " is on air.", "Listen"
	case store.StateInterrupted:
		if show.Main().Duration == 0 { // nothing of it was found, or nothing that tells how long it was
			lasted = ""
		}
		return "⚠️ Broken off:", fmt.Sprintf("%s%s was on air%s (%s).",
			title, name, lasted, text.Short(text.Line(strings.TrimSuffix(show.Reason, ".")), maxReason)), "Listen again"
	default:
		return "⏹️ Ended:", fmt.Sprintf("%s%s was on air%s.", title, name, lasted), "Listen again"
	}
}
