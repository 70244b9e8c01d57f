package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"broadcastbot/internal/oggopus"
	"broadcastbot/internal/opus"
	"broadcastbot/internal/testhelp"
)

// oggPackets splits an Ogg Opus file into its packets, head and tags left out, by
// nothing but the lacing.
func oggPackets(t *testing.T, file []byte) (packets [][]byte) {
	t.Helper()
	var packet []byte
	for len(file) > 0 {
		if string(file[:4]) != "OggS" {
			t.Fatal("no page where one should be")
		}
		lacing := file[27 : 27+int(file[26])]
		file = file[27+len(lacing):]
		for _, n := range lacing {
			packet = append(packet, file[:n]...)
			file = file[n:]
			if n < 255 {
				packets = append(packets, packet)
				packet = nil
			}
		}
	}
	return packets[2:]
}

// TestOggIsCopied checks packets, pre-skip and end trim of files that other programs
// made. Where sizes have to be constant, the packets are as they were but for their padding.
func TestOggIsCopied(t *testing.T) {
	const frames = 3*48000 + 1234
	dir := t.TempDir()
	mustRun(t, dir, "sox", "-n", "-r", "48000", "-c", "2", "-b", "16", "in.wav", "synth", fmt.Sprintf("%ds", frames), "sine", "300-3000")
	for name, command := range map[string][]string{
		"ffmpeg":  {"ffmpeg", "-v", "error", "-i", "in.wav", "-c:a", "libopus", "-b:a", "32k", "-ac", "1"},
		"live":    {"ffmpeg", "-v", "error", "-i", "in.wav", "-c:a", "libopus", "-b:a", "64k", "-page_duration", "20000"},
		"60ms":    {"ffmpeg", "-v", "error", "-i", "in.wav", "-c:a", "libopus", "-b:a", "32k", "-frame_duration", "60"},
		"big":     {"ffmpeg", "-v", "error", "-i", "in.wav", "-c:a", "libopus", "-b:a", "510k", "-vbr", "off"},
		"opusenc": {"opusenc", "--quiet", "--bitrate", "48", "in.wav"},
	} {
		t.Run(name, func(t *testing.T) {
			mustRun(t, dir, command[0], append(command[1:], name+".opus")...)
			file, err := os.ReadFile(filepath.Join(dir, name+".opus"))
			if err != nil {
				t.Fatal(err)
			}
			want := oggPackets(t, file)
			hidden := mustReadAll(t, mustOpen(t, "file:"+filepath.Join(dir, name+".opus"), Options{FullSpeed: true}))
			mustBeAlike(t, hidden)
			if !slices.EqualFunc(hidden, want, sameFrames) {
				t.Fatalf("%d padded packets came, which are not the %d of the file", len(hidden), len(want))
			}
			source := mustOpen(t, "file:"+filepath.Join(dir, name+".opus"), Options{Encoder: varying(), FullSpeed: true})
			got := mustReadAll(t, source)
			if !slices.EqualFunc(got, want, bytes.Equal) {
				t.Fatalf("%d packets came, which are not the %d of the file", len(got), len(want))
			}
			sum := -source.Format().PreSkip - source.EndTrim()
			for _, packet := range got {
				samples, err := opus.PacketDuration(packet)
				if err != nil {
					t.Fatal(err)
				}
				sum += samples
			}
			if sum != frames {
				t.Errorf("%d samples are to be played, want %d; %+v, end trim %d", sum, frames, source.Format(), source.EndTrim())
			}
			if want := 2 - strings.Count(strings.Join(command, " "), "-ac 1"); source.Format().Channels != want {
				t.Errorf("%d channels, want %d", source.Format().Channels, want)
			}
		})
	}
}

func TestDamagedOgg(t *testing.T) {
	dir := t.TempDir()
	mustRun(t, dir, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=4", "-c:a", "libopus", "-b:a", "32k", "-page_duration", "200000", "a.opus")
	file, err := os.ReadFile(filepath.Join(dir, "a.opus"))
	if err != nil {
		t.Fatal(err)
	}
	want := oggPackets(t, file)
	file[len(file)/2] ^= 0x55 // a page of 10 packets
	for _, encoder := range []opus.EncoderOptions{opus.Defaults(), varying()} {
		source := mustOpen(t, "file:"+mustWrite(t, "damaged.opus", file), Options{Encoder: encoder, FullSpeed: true})
		got := mustReadAll(t, source)
		stats := StatsOf(source)
		if len(got) != len(want)-10 || stats.LostSamples != 10*960 || stats.DamagedBytes < 500 {
			t.Errorf("%d of %d packets came, %+v", len(got), len(want), stats)
		}
	}
}

// TestFFmpegDecodes checks formats that this package does not know, and an Ogg file
// that is not Opus.
func TestFFmpegDecodes(t *testing.T) {
	testhelp.CheckGoroutines(t)
	dir := t.TempDir()
	for _, name := range []string{"a.mp3", "a.flac", "a.ogg", "5.1.opus", "adpcm.wav"} {
		t.Run(name, func(t *testing.T) {
			arguments := []string{"-v", "error", "-f", "lavfi", "-i", "sine=frequency=1000:duration=2:sample_rate=44100"}
			switch name {
			case "a.ogg":
				arguments = append(arguments, "-c:a", "libvorbis")
			case "5.1.opus":
				arguments = append(arguments, "-c:a", "libopus", "-ac", "6", "-mapping_family", "1")
			case "adpcm.wav":
				arguments = append(arguments, "-c:a", "adpcm_ms")
			}
			mustRun(t, dir, "ffmpeg", append(arguments, name)...)
			source := mustOpen(t, "file:"+filepath.Join(dir, name), Options{Encoder: clean(1), FullSpeed: true})
			packets := mustReadAll(t, source)
			pcm := mustDecode(t, source.Format(), packets, source.EndTrim())
			if math.Abs(float64(len(pcm))/48000-2) > 0.06 { // codecs add padding of their own
				t.Errorf("%d samples, want about 2 s", len(pcm))
			}
			if got := pitch(pcm[24000:72000]); math.Abs(got-1000) > 2 {
				t.Errorf("the pitch is %.1f Hz", got)
			}
		})
	}
}

// TestFFmpegEnds checks that a child does not outlive a source that is closed early.
func TestFFmpegEnds(t *testing.T) {
	testhelp.CheckGoroutines(t)
	dir := t.TempDir()
	mustRun(t, dir, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=60", "a.mp3")
	source := mustOpen(t, "file:"+filepath.Join(dir, "a.mp3"), Options{Encoder: clean(1), FullSpeed: true})
	mustRead(t, source)
	process := source.(*paced).Source.(*detached).Source.(*encoded).pcm.(*ffmpeg).cmd
	source.Close()
	if process.ProcessState == nil {
		t.Error("ffmpeg is still running")
	}
	if _, err := source.ReadPacket(t.Context()); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("after Close a read says %v", err)
	}
}

func TestOpenErrors(t *testing.T) {
	write := func(content string) string { return "file:" + mustWrite(t, "file", []byte(content)) }
	header := string(wavFile("fmt ", wavFormatChunk(1, 1, 48000, 16)))
	for _, test := range []struct{ name, spec, want string }{
		{"no scheme", "talk.opus", `unknown source "talk.opus": use device:default, device:NAME, file:talk.opus, pipe:- or tone:440`},
		{"unknown scheme", "http://x", "use device:default"},
		{"no path", "file:", "as in file:talk.opus"},
		{"missing", "file:/nowhere/talk.opus", "there is no file talk.opus"},
		{"directory", "file:" + t.TempDir(), "there is no sound file in it"},
		{"special", "file:/dev/null", "is not a regular file: use pipe:-"},
		{"empty", write(""), "is empty"},
		{"text", write("this is no sound at all"), "ffmpeg cannot decode it"},
		{"damaged WAV", write("RIFF0000WAVEfmt \x02\x00\x00\x00xx"), "the WAV header is damaged"},
		{"WAV without data", write(header), "no data chunk"},
		{"WAV without sound", write(header + "data\x00\x00\x00\x00"), "there is no sound in it"},
		{"pipe name", "pipe:/tmp/x", "use file:/tmp/x"},
		{"tone", "tone:loud", "20 to 20000 Hz"},
	} {
		t.Run(test.name, func(t *testing.T) {
			source, err := openAs(t.Context(), test.spec, Options{FullSpeed: true})
			if source != nil || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, %v; want %q", source, err, test.want)
			}
		})
	}
}

func TestOggWithoutSound(t *testing.T) {
	dir := t.TempDir()
	mustRun(t, dir, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=1", "-c:a", "libopus", "a.opus")
	mustRun(t, dir, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=d=1", "mute.mkv")
	file, err := os.ReadFile(filepath.Join(dir, "a.opus"))
	if err != nil {
		t.Fatal(err)
	}
	third := bytes.Index(file[100:], []byte("OggS")) + 100
	for path, want := range map[string]string{
		mustWrite(t, "heads.opus", file[:third]): "there is no sound in it",
		filepath.Join(dir, "mute.mkv"):           "does not contain any stream",
	} {
		if _, err := openAs(t.Context(), "file:"+path, Options{FullSpeed: true}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", filepath.Base(path), err, want)
		}
	}
}

func TestWithoutFFmpeg(t *testing.T) {
	path := mustWrite(t, "a.mp3", []byte("ID3 and so on"))
	t.Setenv("PATH", t.TempDir())
	if _, err := openAs(t.Context(), "file:"+path, Options{}); err == nil || !strings.Contains(err.Error(), "install ffmpeg") {
		t.Errorf("without ffmpeg: %v", err)
	}
}

// TestPlaylistIsRefused checks that nobody who may name a file in one directory can have
// one in another played, by a file that names it.
func TestPlaylistIsRefused(t *testing.T) {
	outside := t.TempDir()
	mustRun(t, outside, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=1", "secret.mp3")
	secret := filepath.Join(outside, "secret.mp3")
	for name, content := range map[string]string{
		"list.m3u8":   "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n" + secret + "\n#EXT-X-ENDLIST\n",
		"list.concat": "ffconcat version 1.0\nfile " + secret + "\n",
	} {
		source, err := openAs(t.Context(), "file:"+mustWrite(t, name, []byte(content)), Options{FullSpeed: true})
		if err == nil {
			source.Close()
			t.Errorf("%s was played", name)
		} else if strings.Contains(err.Error(), outside) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestErrorsDoNotTellPaths checks the errors that a room may read: the reason first, and
// the file's name, but not where it is.
func TestErrorsDoNotTellPaths(t *testing.T) {
	dir := t.TempDir()
	mustRun(t, dir, "ffmpeg", "-version")
	for name, content := range map[string]string{"notes.txt": "this is no sound at all", "bad.wav": "RIFF0000WAVEfmt xx", "empty": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "notes.txt"):          "ffmpeg cannot decode it: exit status 1: Invalid data found when processing input (notes.txt)",
		filepath.Join(dir, "bad.wav"):            "the WAV file has no data chunk (bad.wav)",
		filepath.Join(dir, "empty"):              "empty is empty",
		filepath.Join(dir, "none.opus"):          "there is no file none.opus",
		filepath.Join(dir, "loop"):               "look at file loop: too many levels of symbolic links",
		filepath.Join(dir, "notes.txt", "a.mp3"): "look at file a.mp3: not a directory",
		dir:                                      "nothing in it can be played (" + filepath.Base(dir) + ")",
	} {
		_, err := openAs(t.Context(), "file:"+path, Options{FullSpeed: true})
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	directory, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer directory.Close()
	if _, err := (nameless{directory}).Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), dir) {
		t.Errorf("a read says: %v", err)
	}
}

// TestOutputGain plays the same packets twice: as they are, and in a file that says that
// they are to be played 12 dB softer.
func TestOutputGain(t *testing.T) {
	for _, vbr := range []bool{false, true} {
		encoder := clean(1)
		encoder.VBR = vbr
		loud := playedLevel(t, "file:"+mustWrite(t, "a.opus", gainFile(t, 0)), Options{Encoder: encoder})
		soft := playedLevel(t, "file:"+mustWrite(t, "a.opus", gainFile(t, -12*256)), Options{Encoder: encoder})
		if ratio := soft / loud; math.Abs(ratio-0.251) > 0.02 {
			t.Errorf("the level is %.3f of the other, want 0.251", ratio)
		}
	}
}

// gainFile returns a second of a tone as Ogg Opus with an output gain.
func gainFile(t *testing.T, gain int16) []byte {
	t.Helper()
	source := mustOpen(t, "tone:440,duration=1s", Options{Encoder: clean(1), FullSpeed: true})
	var file bytes.Buffer
	w := oggopus.NewWriter(&file, oggopus.Head{Channels: 1, PreSkip: source.Format().PreSkip, OutputGain: gain}, oggopus.Tags{})
	for _, packet := range mustReadAll(t, source) {
		if err := w.WritePacket(packet); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(source.EndTrim()); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func playedLevel(t *testing.T, spec string, o Options) float64 {
	t.Helper()
	o.FullSpeed = true
	source := mustOpen(t, spec, o)
	packets := mustReadAll(t, source)
	return level(mustDecode(t, source.Format(), packets, source.EndTrim()))
}
