package capture

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// content is what the first bytes of a file or pipe say it is.
type content int

const (
	contentNothing content = iota
	contentOggOpus
	contentWAV
	contentForeign // some other format that is known by its first bytes
	contentUnknown
)

// sniffBytes covers the first Ogg page's header, one lacing value and "OpusHead".
const sniffBytes = 36

// foreignMagics begin formats that are not raw samples: FLAC, Ogg with something else
// inside, MP3 with tags, Matroska and WebM, AIFF, CAF, big WAV.
var foreignMagics = []string{"fLaC", "OggS", "ID3", "\x1A\x45\xDF\xA3", "FORM", "caff", "RF64"}

// sniff looks at the content, never at a name. It consumes nothing.
func sniff(r *bufio.Reader) (content, error) {
	b, err := r.Peek(sniffBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return contentNothing, err
	}
	switch {
	case len(b) == 0:
		return contentNothing, nil
	case bytes.HasPrefix(b, []byte("OggS")) && bytes.HasSuffix(b, []byte("OpusHead")):
		return contentOggOpus, nil
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WAVE":
		return contentWAV, nil
	case isForeign(b):
		return contentForeign, nil
	}
	return contentUnknown, nil
}

func isForeign(b []byte) bool {
	for _, magic := range foreignMagics {
		if bytes.HasPrefix(b, []byte(magic)) {
			return true
		}
	}
	return len(b) >= 8 && string(b[4:8]) == "ftyp" // MP4
}
