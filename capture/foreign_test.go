package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/testhelp"
)

// mustJudge has opusdec decode an Ogg Opus file to interleaved samples of so many channels.
func mustJudge(t *testing.T, path string, channels int) (pcm []int16) {
	t.Helper()
	wav := filepath.Join(t.TempDir(), "judged.wav")
	mustRun(t, "", "opusdec", "--quiet", "--rate", "48000", "--no-dither", "--force-stereo", path, wav)
	raw := mustReadFile(t, wav)
	for samples := raw[bytes.Index(raw, []byte("data"))+8:]; len(samples) >= 4; samples = samples[4:] {
		left, right := int16(binary.LittleEndian.Uint16(samples)), int16(binary.LittleEndian.Uint16(samples[2:]))
		if channels == 2 {
			pcm = append(pcm, left, right)
		} else {
			pcm = append(pcm, int16((int(left)+int(right))/2))
		}
	}
	return pcm
}

// mustStore writes what a source yields to an Ogg Opus file.
func mustStore(t *testing.T, source Source) (path string) {
	t.Helper()
	var file bytes.Buffer
	format := source.Format()
	w := oggopus.NewWriter(&file, oggopus.Head{Channels: format.Channels, PreSkip: format.PreSkip}, oggopus.Tags{})
	for _, packet := range mustReadAll(t, source) {
		if err := w.WritePacket(packet); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(source.EndTrim()); err != nil {
		t.Fatal(err)
	}
	return mustWrite(t, "out.opus", file.Bytes())
}

// mustRewrite copies an Ogg Opus file with another head.
func mustRewrite(t *testing.T, file []byte, change func(*oggopus.Head)) []byte {
	t.Helper()
	reader := oggopus.NewReader(bytes.NewReader(file))
	if err := reader.ReadHead(); err != nil {
		t.Fatal(err)
	}
	head := reader.Head()
	change(&head)
	var out bytes.Buffer
	w := oggopus.NewWriter(&out, head, oggopus.Tags{})
	for {
		packet, err := reader.ReadPacket()
		if err != nil {
			break
		}
		if err := w.WritePacket(packet.Data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(reader.EndTrim()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestForeignOpus plays what other encoders made, of all durations, pre-skips, channels and bitrates,
// alone and in chains, and has opusdec judge what comes: it has to be as long as the original, to the
// sample, and sound like it.
func TestForeignOpus(t *testing.T) {
	dir := t.TempDir()
	speak(t, dir)
	mustRun(t, dir, "sox", "speech.wav", "-c", "2", "stereo.wav", "trim", "0", "1.3", "remix", "1", "1v0.3")
	mustRun(t, dir, "sox", "speech.wav", "mono.wav", "trim", "0", "1.1654321")
	make := func(name string, arguments ...string) []byte {
		path := name + ".opus"
		mustRun(t, dir, "opusenc", append([]string{"--quiet"}, append(arguments, path)...)...)
		return mustReadFile(t, filepath.Join(dir, path))
	}
	skip := func(n int) func(*oggopus.Head) { return func(h *oggopus.Head) { h.PreSkip = n } }
	files := map[string][][]byte{}
	for _, ms := range []string{"2.5", "5", "10", "20", "40", "60"} {
		files["mono "+ms] = [][]byte{make("m"+ms, "--framesize", ms, "mono.wav")}
		files["stereo "+ms] = [][]byte{make("s"+ms, "--framesize", ms, "--bitrate", "96", "stereo.wav")}
	}
	for name, arguments := range map[string][]string{
		"120": {"-frame_duration", "120"}, "voip 60": {"-application", "voip", "-frame_duration", "60"}, "cbr": {"-vbr", "off"},
	} {
		path := "f" + name + ".opus"
		mustRun(t, dir, "ffmpeg", append(append([]string{"-v", "error", "-i", "mono.wav", "-c:a", "libopus", "-b:a", "24k"}, arguments...), path)...)
		files[name] = [][]byte{mustReadFile(t, filepath.Join(dir, path))}
	}
	low, high := make("low", "--bitrate", "8", "mono.wav"), make("high", "--bitrate", "256", "stereo.wav")
	files["low"], files["high"] = [][]byte{low}, [][]byte{high}
	for _, n := range []int{0, 312, 3840} {
		files[fmt.Sprint("pre-skip ", n)] = [][]byte{mustRewrite(t, low, skip(n))}
	}
	files["chain"] = [][]byte{low, low}
	files["chain of all"] = [][]byte{mustRewrite(t, low, skip(3840)), high, mustRewrite(t, low, skip(0)), files["120"][0], files["mono 2.5"][0]}
	files["chain with gain"] = [][]byte{low, mustRewrite(t, low, func(h *oggopus.Head) { h.OutputGain = -6 * 256 })}
	for name, links := range files {
		path := filepath.Join(dir, "in.opus")
		if err := os.WriteFile(path, bytes.Join(links, nil), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, channels := range []int{1, 2} {
			for _, vbr := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s to %d, vbr %v", name, channels, vbr), func(t *testing.T) {
					o := Options{Encoder: clean(channels), FullSpeed: true}
					o.Encoder.VBR = vbr
					mustSoundLike(t, path, o, links)
				})
			}
		}
	}
}

// mustSoundLike plays a file and compares it with the links of its chain.
func mustSoundLike(t *testing.T, path string, o Options, links [][]byte) {
	t.Helper()
	source := mustOpen(t, "file:"+path, o)
	channels := source.Format().Channels
	got := mustJudge(t, mustStore(t, source), channels)
	var want []int16
	for _, link := range links {
		want = append(want, mustJudge(t, mustWrite(t, "link.opus", link), channels)...)
	}
	if len(got) != len(want) {
		t.Fatalf("%d samples came, want %d", len(got)/channels, len(want)/channels)
	}
	if c := testhelp.Correlation(got, want); c < 0.97 {
		t.Errorf("the sound is another: correlation %.3f", c)
	}
	if ratio := level(got) / level(want); ratio < 0.95 || ratio > 1.05 {
		t.Errorf("the level is %.2f of the original's", ratio)
	}
	if !o.Encoder.VBR {
		mustBeAlike(t, mustReadAll(t, mustOpen(t, "file:"+path, o)))
	}
}

// TestPacketsThatCannotBePadded: what stands out is not passed on. A packet that is broken is silence,
// and one that is huge does not make all others huge.
func TestPacketsThatCannotBePadded(t *testing.T) {
	broken := []byte{0x7b, 0x41, 200, 1} // its padding is longer than the packet
	huge := append([]byte{0x78 | 3, 1}, make([]byte, 20000)...)
	for name, odd := range map[string][]byte{"broken": broken, "huge": huge} {
		t.Run(name, func(t *testing.T) {
			var file bytes.Buffer
			w := oggopus.NewWriter(&file, oggopus.Head{Channels: 1, PreSkip: 312}, oggopus.Tags{})
			for i, packet := range mustTone(t, 2) {
				if i == 50 {
					packet = odd
				}
				if err := w.WritePacket(packet); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(0); err != nil {
				t.Fatal(err)
			}
			source := mustOpen(t, "file:"+mustWrite(t, "a.opus", file.Bytes()), Options{FullSpeed: true})
			packets := mustReadAll(t, source)
			mustBeAlike(t, packets)
			if len(packets[0]) > 200 {
				t.Errorf("packets have %d bytes", len(packets[0]))
			}
			if pcm := mustDecode(t, source.Format(), packets, source.EndTrim()); len(pcm) != 100*960-312 {
				t.Errorf("%d samples came", len(pcm))
			}
		})
	}
}
