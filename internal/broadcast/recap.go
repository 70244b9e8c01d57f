package broadcast

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"time"

	"broadcastbot/internal/link"
	"broadcastbot/internal/livefile"
	"broadcastbot/internal/opus"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
)

// wavePoints is how many bars a player is given to draw: as many as MSC3246
// allows in a voice message.
const wavePoints = 120

// silence is the level of a recording without a sound, in dBFS.
const silence = -120

// recapReader reads a track's file while it grows, as any listener would, so
// that what is to be told of it is known when its last block is.
type recapReader struct {
	done  chan struct{} // closed when run has returned
	recap store.Recap
	err   error
}

func (r *recapReader) run(ctx context.Context, spool *livefile.File, form opusblocks.Form) {
	defer close(r.done)
	r.recap, r.err = readRecap(spool.Follow(ctx, 0), form)
}

// readRecap reads a file to its end, or to where it was cut off, and tells what
// it is. It takes one pass and constant memory.
func readRecap(file io.Reader, form opusblocks.Form) (recap store.Recap, err error) {
	hash := sha256.New()
	blocks := form.NewReader(io.TeeReader(file, hash))
	head, err := blocks.Head()
	if err != nil {
		return recap, unreadable(err)
	}
	var table opusblocks.SeekTable
	wave, level, err := opus.Waveform(packetsOf(blocks, table.Add), wavePoints)
	if err != nil {
		return recap, unreadable(err)
	}
	return store.Recap{
		Extent: extentOf(blocks.Position(), head.PreSkip),
		SHA256: base64.RawStdEncoding.EncodeToString(hash.Sum(nil)),
		Seek:   table.String(),
		Wave:   link.FormatWave(waveBytes(wave)),
		Level:  max(level.RMS(), silence),
	}, nil
}

// extentOf is how much of a file is before a place in it.
func extentOf(at opusblocks.Position, preSkip int) store.Extent {
	sound := opus.Duration(max(0, at.Samples-int64(preSkip)))
	return store.Extent{Duration: sound.Truncate(time.Millisecond), Size: at.Offset, Blocks: int64(at.Sequence)}
}

// packetsOf returns a function that yields the packets of all blocks, each of
// which note sees first, and io.EOF at the end or where the file was cut off.
func packetsOf(blocks *opusblocks.Reader, note func(opusblocks.Block)) func() ([]byte, error) {
	var packets [][]byte
	return func() ([]byte, error) {
		for len(packets) == 0 {
			block, err := blocks.ReadBlock()
			if errors.Is(err, opusblocks.ErrCutOff) {
				return nil, io.EOF
			}
			if err != nil {
				return nil, err
			}
			note(block)
			packets = block.Packets
		}
		packet := packets[0]
		packets = packets[1:]
		return packet, nil
	}
}

// waveBytes makes a byte of each point of a waveform, as link.Link has it.
func waveBytes(points []int) []byte {
	wave := make([]byte, len(points))
	for i, point := range points {
		wave[i] = byte(point * 255 / opus.WaveformPeak)
	}
	return wave
}
