package listener

import (
	"io"

	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/opus"
)

// NewSaver returns a writer of an Ogg Opus file for the packets that come next. In
// the middle of a show the pre-roll becomes the pre-skip, so that players start at
// the right moment (RFC 7845, 4.6). Close the writer with Stream.EndTrim.
func NewSaver(w io.Writer, s *Stream) *oggopus.Writer {
	head := s.Head()
	return oggopus.NewWriter(w,
		oggopus.Head{Channels: head.Channels, PreSkip: s.Discard(), InputSampleRate: opus.SampleRate},
		oggopus.Tags{Vendor: "broadcastbot", Comments: []string{
			"TITLE=" + head.Title,
			"ARTIST=" + head.Speaker,
			"DATE=" + head.Started.Format("2006-01-02"),
		}})
}
