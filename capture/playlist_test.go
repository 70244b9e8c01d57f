package capture

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"broadcastbot/internal/testhelp"
)

// mustSweep writes samples of the sweep as raw sound to a file in dir, and has a program make of them what
// its arguments say.
func mustSweep(t *testing.T, dir, name string, from, n int, arguments ...string) {
	t.Helper()
	var raw []byte
	for i := range n {
		sample := testhelp.Sweep(from + i)
		raw = append(raw, byte(sample), byte(uint16(sample)>>8))
	}
	input := mustWrite(t, "raw", raw)
	mustRun(t, dir, "ffmpeg", append(append([]string{"-v", "error", "-f", "s16le", "-ar", "48000", "-ac", "1", "-i", input}, arguments...), name)...)
}

// mustMedia fills a folder with one sweep in five pieces of odd lengths, each in another format.
func mustMedia(t *testing.T) (dir string, samples int) {
	t.Helper()
	dir = t.TempDir()
	for _, piece := range []struct {
		name      string
		n         int
		arguments []string
	}{
		{"1 erste Überschrift.wav", 12345, nil},
		{"2.flac", 23457, nil},
		{"3.opus", 34567, []string{"-c:a", "libopus", "-b:a", "96k", "-application", "audio"}},
		{"4.wav", 7, nil},
		{"5.mka", 20001, []string{"-c:a", "flac"}},
	} {
		mustSweep(t, dir, piece.name, samples, piece.n, piece.arguments...)
		samples += piece.n
	}
	return dir, samples
}

// mustBeSweep plays a source and has opusdec judge whether it is the sweep, without a gap, from its first
// sample to its last.
func mustBeSweep(t *testing.T, spec string, samples int) {
	t.Helper()
	source := mustOpen(t, spec, Options{Encoder: clean(1), FullSpeed: true})
	pcm := mustJudge(t, mustStore(t, source), 1)
	if len(pcm) != samples {
		t.Fatalf("%d samples came, want %d", len(pcm), samples)
	}
	const window = 2400
	for i := 0; i+window <= samples; i += window {
		if c := testhelp.Correlation(pcm[i:i+window], sweeps(i, window, 1)); c < 0.95 {
			t.Errorf("from sample %d on it is another sound: correlation %.3f", i, c)
		}
	}
}

func TestPlaylistHasNoGaps(t *testing.T) {
	testhelp.CheckGoroutines(t)
	dir, samples := mustMedia(t)
	names := []string{"1 erste Überschrift.wav", "2.flac", "3.opus", "4.wav", "5.mka"}
	for name, text := range map[string]string{
		"plain.m3u":    strings.Join(names, "\n"),
		"extended.m3u": "\xef\xbb\xbf#EXTM3U\r\n#EXTINF:1,first\r\n  " + strings.Join(names, "\r\n#EXTINF:-1,x, y\r\n\r\n") + "  \r\n",
		"latin1.M3U8":  strings.ReplaceAll(strings.Join(names, "\r"), "Ü", "\xdc"),
		"paths.m3u8":   "./1 erste Überschrift.wav\n.\\2.flac\n" + dir + "/3.opus\nfile://" + dir + "/4.wav\nfile://localhost" + dir + "/5%2emka",
		"broken.m3u":   "none.opus\nnotes.txt\nhttps://radio.example/x\n" + strings.Join(names, "\nbroken.m3u\n.\nempty.wav\n"),
	} {
		t.Run(name, func(t *testing.T) {
			for file, content := range map[string]string{name: text, "notes.txt": "no sound", "empty.wav": ""} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			mustBeSweep(t, "file:"+filepath.Join(dir, name), samples)
		})
	}
	t.Run("folder", func(t *testing.T) {
		if err := os.Mkdir(filepath.Join(dir, "6.wav"), 0o700); err != nil {
			t.Fatal(err)
		}
		mustBeSweep(t, "file:"+dir, samples)
	})
}

// TestPlaylistStaysInside: a playlist names no files that a room could not name.
func TestPlaylistStaysInside(t *testing.T) {
	outside := t.TempDir()
	mustSweep(t, outside, "secret.wav", 0, 48000)
	media := t.TempDir()
	inner := filepath.Join(media, "inner")
	if err := os.Mkdir(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	mustSweep(t, media, "public.wav", 0, 9600)
	if err := os.Symlink(outside, filepath.Join(inner, "link")); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(outside, "secret.wav")
	list := strings.Join([]string{
		secret, "file://" + secret, "link/secret.wav", "../../" + filepath.Base(outside) + "/secret.wav", "/dev/zero", "/proc/self/environ",
		"../public.wav",
	}, "\n")
	if err := os.WriteFile(filepath.Join(inner, "list.m3u"), []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	kinds := BuiltIn(Limits{MediaDir: media})
	spec, err := kinds.Grant(t.Context(), Asker{}, "file:inner/list.m3u")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	source, err := kinds.Open(t.Context(), spec, Options{FullSpeed: true, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	if pcm := mustDecode(t, source.Format(), mustReadAll(t, source), source.EndTrim()); len(pcm) != 9600 {
		t.Errorf("%d samples came", len(pcm))
	}
	if n := strings.Count(log.String(), "left out"); n != 6 {
		t.Errorf("%d entries were left out:\n%s", n, log.String())
	}
}

func TestPlaylistErrors(t *testing.T) {
	dir := t.TempDir()
	for name, test := range map[string]struct{ text, want string }{
		"empty.m3u":    {"", "empty.m3u is empty"},
		"comments.m3u": {"#EXTM3U\n\n", "there is no sound file in it (comments.m3u)"},
		"missing.m3u":  {"a.opus\nb.opus", "nothing in it can be played (missing.m3u)"},
		"itself.m3u":   {"itself.m3u", "nothing in it can be played (itself.m3u)"},
		"long.m3u":     {strings.Repeat("a\n", 10001), "it has more than 10000 entries (long.m3u)"},
		"huge.m3u":     {strings.Repeat("#", 1<<20+1), "larger than 1048576 bytes"},
		"line.m3u":     {strings.Repeat("a", 40000), "nothing in it can be played (line.m3u)"},
		"zeros.m3u":    {"a\x00b", "nothing in it can be played (zeros.m3u)"},
	} {
		t.Run(name, func(t *testing.T) {
			testhelp.CheckGoroutines(t)
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := BuiltIn(Limits{}).Open(t.Context(), "file:"+path, Options{FullSpeed: true})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), dir) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// TestPlaylistThatIsStopped: closing a show in the middle of a playlist leaves nothing behind.
func TestPlaylistThatIsStopped(t *testing.T) {
	testhelp.CheckGoroutines(t)
	dir, _ := mustMedia(t)
	source := mustOpen(t, "file:"+dir, Options{Encoder: clean(1)})
	for range 10 {
		mustRead(t, source)
	}
	source.Close()
}

func FuzzPlaylist(f *testing.F) {
	for _, seed := range []string{"#EXTM3U\n#EXTINF:1,x\na.opus", "\xef\xbb\xbfa\r\nb", "\xff", "a\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if slices.ContainsFunc(parsePlaylist(text), func(entry string) bool { return entry == "" || strings.ContainsAny(entry, "\r\n") }) {
			t.Error("an entry is not a line")
		}
	})
}
