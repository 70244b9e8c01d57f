package studioline

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"broadcastbot/internal/opus"
)

// Protocol is the WebSocket subprotocol of the studio page's line. docs/studio-line.md describes it.
const Protocol = "org.broadcastbot.studio.v1"

// maxMessage is how many bytes a message of a page has at most.
const maxMessage = 64 << 10

// Codes with which a line is closed.
const (
	closeReplaced = 4001 // a newer tab or device has the line
	closeMistake  = 4002 // the page has sent what cannot be recorded or understood
	closeFinal    = 4003 // the link is not valid
)

// packetSamples is what every packet of a line lasts.
const packetSamples = opus.FrameSize

// reply is a message to the page: JSON with a type.
type reply map[string]any

// without returns messages without the one that r replaces.
func (r reply) without(waiting []reply) []reply {
	return slices.DeleteFunc(waiting, func(other reply) bool { return other["type"] == r["type"] })
}

// request is a text message of the page. Which fields it has follows from its type.
type request struct {
	Type       string `json:"type"`
	Secret     string `json:"secret"`     // hello: base64url of 32 bytes
	Generation int64  `json:"generation"` // hello: the device, see activePass
	Title      string `json:"title"`      // start
	PreSkip    int    `json:"preSkip"`    // start: samples
	Count      int64  `json:"count"`      // stop: packets of the show
	On         bool   `json:"on"`         // rehearse
}

// Mistakes of a page, as sentences.
var (
	errNotUnderstood = errors.New("the page said what the station does not understand")
	errNoSound       = errors.New("the page sent sound that the station does not understand")
)

// parseRequest reads a text message. Of one whose type is not known, it reads nothing but that.
func parseRequest(data []byte) (r request, err error) {
	var only struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(data, &only) != nil { // whose errors could repeat what a page said
		return request{}, errNotUnderstood
	}
	if !slices.Contains([]string{"hello", "start", "stop", "rehearse"}, only.Type) {
		return request{Type: only.Type}, nil
	}
	if json.Unmarshal(data, &r) != nil {
		return request{}, errNotUnderstood
	}
	return r, nil
}

// sound is a binary message of the page: packets with consecutive numbers.
type sound struct {
	number   int64     // of the first, from the beginning of the show on
	captured time.Time // the end of the last
	packets  [][]byte
}

// soundHead is the size of what stands before the packets: the number (4) and the time (8), both
// little-endian.
const soundHead = 12

func parseSound(data []byte) (s sound, err error) {
	if len(data) <= soundHead {
		return s, errNoSound
	}
	s.number = int64(binary.LittleEndian.Uint32(data))
	s.captured = time.UnixMilli(int64(binary.LittleEndian.Uint64(data[4:])))
	for rest := data[soundHead:]; len(rest) > 0; {
		if len(rest) < 2 {
			return sound{}, errNoSound
		}
		size := int(binary.LittleEndian.Uint16(rest))
		if rest = rest[2:]; size == 0 || size > len(rest) {
			return sound{}, errNoSound
		}
		s.packets, rest = append(s.packets, rest[:size:size]), rest[size:]
	}
	return s, nil
}
