package broadcast

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"time"

	"broadcastbot/internal/livefile"
	"broadcastbot/internal/opus"
	"broadcastbot/opusblocks"
	"broadcastbot/store"
)

// wavePoints is how many bars a player is given to draw: as many as MSC3246
// allows in a voice message.
const wavePoints = 120

// silence is the loudness of a recording without a sound, in dBFS.
const silence = -120

// recapReader reads a track's file while it grows, as any listener would, so
// that what is to be told of it is known when its last block is.
type recapReader struct {
	done  chan struct{} // closed when run has returned
	recap store.Recap
	err   error
}

func (r *recapReader) run(ctx context.Context, spool *livefile.File, t *store.Track) {
	defer close(r.done)
	r.recap, r.err = readRecap(spool.Follow(ctx, 0), t)
}

// readRecap reads a file to its end, or to where it was cut off, and tells what
// it is. That is one pass in constant memory.
func readRecap(file io.Reader, t *store.Track) (recap store.Recap, err error) {
	hash := sha256.New()
	blocks := t.Form().NewReader(io.TeeReader(file, hash))
	head, err := blocks.Head()
	if err != nil {
		return recap, unreadable(err)
	}
	var table opusblocks.SeekTable
	wave, level, err := opus.Waveform(packetsOf(blocks, table.Add), wavePoints)
	if err != nil {
		return recap, unreadable(err)
	}
	end := blocks.Position()
	return store.Recap{
		Duration: soundDuration(end, head.PreSkip),
		Size:     end.Offset, Blocks: int64(end.Sequence),
		SHA256:   base64.RawStdEncoding.EncodeToString(hash.Sum(nil)),
		Seek:     table.String(),
		Wave:     encodeWave(wave),
		Loudness: max(level.RMS(), silence),
	}, nil
}

// soundDuration is how long the sound before a place is, in whole milliseconds
// as the record and the rooms have it.
func soundDuration(at opusblocks.Position, preSkip int) time.Duration {
	return opus.Duration(max(0, at.Samples-int64(preSkip))).Truncate(time.Millisecond)
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

// encodeWave writes the points of a waveform, of 0 to opus.WaveformPeak, as a
// link has them: base64url of a byte each.
func encodeWave(points []int) string {
	raw := make([]byte, len(points))
	for i, point := range points {
		raw[i] = byte(point * 255 / opus.WaveformPeak)
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}
