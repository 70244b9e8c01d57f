package showtest

import (
	"bytes"
	"testing"

	"broadcastbot/internal/opus"
)

// silentEnd is what the end of a signed show has where no sound is left, for its last checkpoint
// (FORMAT.md, "Checkpoints").
var silentEnd = []byte{0xE0, 0xFF, 0xFE}

// Sound returns packets as their speaker has sent them: without padding, in which checkpoints stand,
// and without a packet that is there for a checkpoint only.
func Sound(t testing.TB, packets [][]byte) (sound [][]byte) {
	t.Helper()
	for _, packet := range packets {
		unpadded, err := opus.Unpad(nil, packet)
		if err != nil {
			t.Fatalf("not an Opus packet: %v", err)
		}
		if !bytes.Equal(unpadded, silentEnd) {
			sound = append(sound, unpadded)
		}
	}
	return sound
}
