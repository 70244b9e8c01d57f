package listener

import (
	"io"

	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/opus"
)

// NewSaver returns a writer for what comes next out of the stream, as an Ogg
// Opus file. Who begins in the middle gets the pre-roll as pre-skip, so that
// players start at the right moment (RFC 7845, 4.6). Close it with
// Stream.EndTrim.
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
