package bot

import (
	"errors"
	"io"
	"os"

	"broadcastbot/internal/opus"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
)

// waveformPoints is how many bars a client is given to draw.
const waveformPoints = 100

// waveformOf draws the recording.
func waveformOf(r *store.Broadcast) ([]int, error) {
	spool, err := os.Open(r.Spool)
	if err != nil {
		return nil, err
	}
	defer spool.Close()
	return opus.Waveform(packetsOf(opusblocks.NewReader(spool, r.Key)), waveformPoints)
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
