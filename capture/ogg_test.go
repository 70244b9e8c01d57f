package capture

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/testhelp"
	"broadcastbot/opusblocks"
)

// sameFrames reports whether two packets differ in nothing but their padding.
func sameFrames(a, b []byte) bool {
	bareA, errA := opus.Unpad(nil, a)
	bareB, errB := opus.Unpad(nil, b)
	return errA == nil && errB == nil && bytes.Equal(bareA, bareB)
}

// TestSizesTellNothing plays speech of varying packet sizes, and looks at the blocks that leave the
// station: their sizes must not be related to how loud it is.
func TestSizesTellNothing(t *testing.T) {
	dir := t.TempDir()
	speak(t, dir)
	for name, command := range map[string][]string{
		"ffmpeg":  {"ffmpeg", "-v", "error", "-i", "speech.wav", "-c:a", "libopus", "-b:a", "32k", "-vbr", "on"},
		"opusenc": {"opusenc", "--quiet", "--bitrate", "24", "speech.wav"},
		"60ms":    {"opusenc", "--quiet", "--framesize", "60", "speech.wav"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name+".opus")
			mustRun(t, dir, command[0], append(command[1:], path)...)
			hidden := showOf(t, path, opus.Defaults())
			for what, sizes := range map[string][]int16{"a block": hidden.sizes, "a block with a checkpoint": hidden.signed} {
				if least, most := slices.Min(sizes), slices.Max(sizes); least != most {
					t.Errorf("%s has %d to %d bytes", what, least, most)
				}
			}
			if c := hidden.correlated(); c != 0 {
				t.Errorf("sizes and loudness are correlated: %.2f", c)
			}
			if c := showOf(t, path, varying()).correlated(); c < 0.3 {
				t.Errorf("this speech tells nothing even if it is passed on as it is: correlation %.2f", c)
			}
		})
	}
}

// show is how the blocks of a show look from outside, without the last one, and how loud they are.
type show struct {
	sizes, loudness []int16 // of the blocks without a checkpoint
	signed          []int16 // sizes of those with one
}

func showOf(t *testing.T, path string, o opus.EncoderOptions) (s show) {
	t.Helper()
	source := mustOpen(t, "file:"+path, Options{Encoder: o, FullSpeed: true})
	signer, signing, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	form := opusblocks.Sealed(opusblocks.NewKey())
	w, err := form.Signing(signing, time.Now).NewWriter(&file, opusblocks.Head{Channels: source.Format().Channels})
	if err != nil {
		t.Fatal(err)
	}
	packets := mustReadAll(t, source)
	samples, err := opus.PacketDuration(packets[0])
	if err != nil {
		t.Fatal(err)
	}
	n := (4800 + samples - 1) / samples
	for ; len(packets) > n; packets = packets[n:] {
		if err := w.WriteBlock(packets[:n]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(packets, 0); err != nil {
		t.Fatal(err)
	}
	for reader := form.SignedBy(signer).NewReader(&file); ; {
		block, err := reader.ReadBlock()
		switch {
		case err != nil:
			t.Fatal(err)
		case block.Last:
			return s
		case block.Checkpoint != nil:
			s.signed = append(s.signed, int16(block.Size))
		default:
			s.sizes = append(s.sizes, int16(block.Size))
			s.loudness = append(s.loudness, int16(level(mustDecode(t, Format{Channels: 1}, block.Packets, 0))))
		}
	}
}

// correlated returns how far the sizes tell the loudness.
func (s show) correlated() float64 {
	return testhelp.Correlation(withoutMean(s.sizes), withoutMean(s.loudness))
}

func withoutMean(values []int16) []int16 {
	sum := 0
	for _, v := range values {
		sum += int(v)
	}
	for i := range values {
		values[i] -= int16(sum / len(values))
	}
	return values
}

// TestDurationsTellNothing: packets of different durations cannot have one size for each block.
func TestDurationsTellNothing(t *testing.T) {
	long, short := mustTone(t, 1), mustTone(t, 1)
	for i, packet := range short {
		short[i] = mustSplit(t, packet)
	}
	var file bytes.Buffer
	w := oggopus.NewWriter(&file, oggopus.Head{Channels: 1, PreSkip: 312}, oggopus.Tags{})
	for i := range long {
		for _, packet := range [][]byte{long[i], short[i]} {
			if err := w.WritePacket(packet); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(100); err != nil {
		t.Fatal(err)
	}
	source := mustOpen(t, "file:"+mustWrite(t, "a.opus", file.Bytes()), Options{FullSpeed: true})
	packets := mustReadAll(t, source)
	mustBeAlike(t, packets)
	want := len(long)*(960+1920) - 312 - 100
	if pcm := mustDecode(t, source.Format(), packets, source.EndTrim()); len(pcm) != want {
		t.Errorf("%d samples came of %d", len(pcm), want)
	}
}

// mustTone returns packets of 20 ms that last so many seconds.
func mustTone(t *testing.T, seconds int) [][]byte {
	t.Helper()
	source := mustOpen(t, "tone:440", Options{Encoder: clean(1), FullSpeed: true})
	packets := make([][]byte, 50*seconds)
	for i := range packets {
		packets[i] = mustRead(t, source)
	}
	return packets
}

// mustSplit makes a packet that has the frame twice, of 40 ms (RFC 6716 3.2.3).
func mustSplit(t *testing.T, packet []byte) []byte {
	t.Helper()
	if packet[0]&3 != 0 {
		t.Fatal("the packet has more than one frame")
	}
	return append([]byte{packet[0] | 1}, bytes.Repeat(packet[1:], 2)...)
}

// TestFileChangesWhileItIsPlayed: what was not there when the file was measured would stand out.
func TestFileChangesWhileItIsPlayed(t *testing.T) {
	packets := mustTone(t, 20) // more than is read at once
	var file bytes.Buffer
	w := oggopus.NewWriter(&file, oggopus.Head{Channels: 1, PreSkip: 312}, oggopus.Tags{})
	for _, packet := range packets {
		if err := w.WritePacket(packet); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	path := mustWrite(t, "a.opus", file.Bytes())
	source := mustOpen(t, "file:"+path, Options{FullSpeed: true})
	file.Reset()
	if err := errors.Join(w.WritePacket(append(packets[0], 0)), w.Close(0)); err != nil {
		t.Fatal(err)
	}
	grown, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer grown.Close()
	if _, err := grown.Write(file.Bytes()); err != nil {
		t.Fatal(err)
	}
	for range packets {
		mustRead(t, source)
	}
	if _, err := source.ReadPacket(context.Background()); !errors.Is(err, errChanged) {
		t.Errorf("a larger packet: %v", err)
	}
}

// TestTimeOverflows: a file, and a line, whose time would overflow is heard like any other.
func TestTimeOverflows(t *testing.T) {
	const packet = "\x19\x00\x00" // 120 ms
	head := oggopus.Head{Channels: 1, OutputGain: 1}
	var stream []byte
	for i, page := range []oggopus.Page{
		{First: true, Body: head.Append(nil)},
		{Body: oggopus.Tags{}.Append(nil)},
		{Granule: math.MaxInt64 - 6000, Body: []byte(packet)},
		{Granule: -1, Lacing: []byte{3, 3}, Body: []byte(packet + packet)},
	} {
		page.Serial, page.Sequence = 7, uint32(i)
		if page.Lacing == nil {
			page.Lacing = oggopus.AppendLacing(nil, len(page.Body))
		}
		stream = page.Append(stream)
	}
	file := mustOpen(t, "file:"+mustWrite(t, "a.opus", stream), Options{FullSpeed: true})
	feed := NewLineFeed(true)
	line, err := feed.Open(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		feed.ReadOgg(bytes.NewReader(stream), func(oggopus.Tags) {})
		feed.End(io.EOF)
	}()
	for _, source := range []Source{file, line} {
		if got := opus.PacketsDuration(mustReadAll(t, source)); got < 3*5760 {
			t.Errorf("%d samples are heard of 3 packets", got)
		}
	}
}
