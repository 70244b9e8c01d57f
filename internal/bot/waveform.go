package bot

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"

	"broadcastbot/internal/opus"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
)

// waveformPoints is how many bars are given to draw: as many as MSC3246 allows.
const waveformPoints = 120

// The largest point in a voice message (MSC3246), and in a link.
const (
	voicePeak = 1024
	linkPeak  = 255
)

var waveEncoding = base64.RawURLEncoding

// draw notes in r what the recording looks like, a byte for each point. It is
// done once: all of the sound has to be decoded for it.
func draw(r *store.Broadcast) error {
	if r.Wave != "" {
		return nil
	}
	points, err := waveformOf(r)
	if err != nil {
		return err
	}
	raw := make([]byte, len(points))
	for i, point := range points {
		raw[i] = byte(point * linkPeak / voicePeak)
	}
	r.Wave = waveEncoding.EncodeToString(raw)
	return nil
}

// voiceWaveform is what draw has noted, as a voice message has it.
func voiceWaveform(r *store.Broadcast) ([]int, error) {
	raw, err := waveEncoding.DecodeString(r.Wave)
	if err != nil {
		return nil, fmt.Errorf("the waveform of broadcast %s: %w", r.ID, err)
	}
	points := make([]int, len(raw))
	for i, point := range raw {
		points[i] = int(point) * voicePeak / linkPeak
	}
	return points, nil
}

// waveformOf decodes the recording.
func waveformOf(r *store.Broadcast) ([]int, error) {
	spool, err := os.Open(r.Spool)
	if err != nil {
		return nil, err
	}
	defer spool.Close()
	return opus.Waveform(packetsOf(r.OpenBlocks(spool)), waveformPoints)
}

// packetsOf returns a function that yields the recording's packets, and io.EOF
// at its end or where a crash has cut it off.
func packetsOf(blocks *opusblocks.Reader) func() ([]byte, error) {
	var block opusblocks.Block
	return func() ([]byte, error) {
		for len(block.Packets) == 0 {
			var err error
			block, err = blocks.ReadBlock()
			if errors.Is(err, opusblocks.ErrCutOff) {
				return nil, io.EOF
			}
			if err != nil {
				return nil, err
			}
		}
		packet := block.Packets[0]
		block.Packets = block.Packets[1:]
		return packet, nil
	}
}
