package capture

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestKindsAreComplete: what a kind does not say of itself, nobody finds out.
func TestKindsAreComplete(t *testing.T) {
	for _, k := range kinds {
		if k.Name != strings.ToLower(k.Name) || k.Help == "" || k.Open == nil || len(k.Examples) == 0 {
			t.Errorf("the kind %+v lacks something", k)
		}
		for _, example := range k.Examples {
			if got, name, err := kinds.Parse(example); err != nil || got.Name != k.Name || name == "" {
				t.Errorf("the example %s is of the kind %q: %v", example, got.Name, err)
			}
			if spec, rest, err := kinds.FromWords([]string{example}); spec != example || len(rest) > 0 || err != nil {
				t.Errorf("the example %s is not understood: %v", example, err)
			}
		}
	}
}

// TestMoreKinds: a kind of another package is a row of the table, and no more.
func TestMoreKinds(t *testing.T) {
	opened := errors.New("opened")
	more := append(BuiltIn(Limits{}), Kind{
		Name: "studio", Aliases: []string{"browser"}, Live: true, Examples: []string{"studio:NAME"}, Help: "the line of a browser",
		Open: func(_ context.Context, name string, o Options) (Source, error) {
			if name != "blue" || o.Log == nil {
				t.Errorf("opened %q with %+v", name, o)
			}
			return nil, opened
		},
		Grant: func(_ context.Context, _ Asker, name string) (string, error) { return strings.ToLower(name), nil },
	})
	if _, err := more.Open(t.Context(), "studio:blue", Options{}); err != opened {
		t.Error("open:", err)
	}
	if spec, err := more.Grant(t.Context(), Asker{}, "studio:Blue"); spec != "studio:blue" || err != nil {
		t.Errorf("granted %q, %v", spec, err)
	}
	if !more.IsLive("studio:blue") || kinds.IsLive("studio:blue") {
		t.Error("its liveness is not the row's")
	}
	if _, _, err := more.FromWords([]string{"Browser"}); err == nil || !strings.Contains(err.Error(), "studio:NAME") {
		t.Error("correction:", err)
	}
	if _, err := more.Open(t.Context(), "radio:1", Options{}); err == nil || !strings.Contains(err.Error(), "tone:440 or studio:NAME") {
		t.Error("an unknown source:", err)
	}
}

func TestIsLive(t *testing.T) {
	for spec, want := range map[string]bool{
		"device:default": true, "device:USB: left": true, "tone:440": true, "tone:": true,
		"file:tone:440": false, "pipe:-": false, "radio:1": false, "device": false, "": false,
	} {
		if got := kinds.IsLive(spec); got != want {
			t.Errorf("%q is live: %v, want %v", spec, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, good := range []string{"device:default", "device:My microphone", "file:/srv/my radio/talk.opus", "pipe:-", "tone:440"} {
		if err := kinds.Check(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, want := range map[string]string{
		"": "unknown source", "nonsense": "use device:default, device:NAME, file:talk.opus, pipe:- or tone:440",
		"File:talk.opus": "did you mean file:talk.opus?", "mic": "did you mean device:default?", "https://radio.example/x": "is an address",
	} {
		if err := kinds.Check(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", bad, err, want)
		}
	}
}

func TestForRooms(t *testing.T) {
	for _, k := range kinds.ForRooms() {
		if k.Name == "pipe" {
			t.Error("rooms may ask for the standard input")
		}
	}
	if got := len(kinds.ForRooms()); got != 3 {
		t.Errorf("%d kinds are for rooms", got)
	}
}

func TestGrant(t *testing.T) {
	dir := mustEvalSymlinks(t, t.TempDir())
	media, outside := filepath.Join(dir, "media"), filepath.Join(dir, "secret.opus")
	mustMkdir(t, filepath.Join(media, "jingles"))
	for _, file := range []string{outside, filepath.Join(media, "talk.opus"), filepath.Join(media, "jingles", "a.wav")} {
		mustTouch(t, file)
	}
	mustSymlink(t, outside, filepath.Join(media, "way-out.opus"))
	mustSymlink(t, dir, filepath.Join(media, "way-up"))
	mustSymlink(t, "talk.opus", filepath.Join(media, "today.opus"))
	link := filepath.Join(dir, "link")
	mustSymlink(t, media, link)

	inside := func(path ...string) string { return "file:" + filepath.Join(append([]string{media}, path...)...) }
	for _, test := range []struct{ mediaDir, source, want string }{ // "" is refused
		{media, "device:default", ""},
		{media, "device:USB", "device:USB"},
		{media, "device:usb", "device:USB"},
		{media, "device:Own", "device:Own"},
		{media, "device:US", ""},
		{media, "device:Bedroom", ""},
		{media, "device:", ""},
		{media, "tone:440", "tone:440"},
		{media, "pipe:-", ""},
		{media, "pipe:/etc/passwd", ""},
		{media, "file:talk.opus", inside("talk.opus")},
		{media, "file:jingles/a.wav", inside("jingles", "a.wav")},
		{media, "file:jingles/../talk.opus", inside("talk.opus")},
		{media, "file:today.opus", inside("talk.opus")},
		{link, "file:talk.opus", inside("talk.opus")},
		{media, "file:missing.opus", ""},
		{media, "file:../secret.opus", ""},
		{media, "file:jingles/../../secret.opus", ""},
		{media, "file:" + outside, ""},
		{media, "file:" + filepath.Join(media, "talk.opus"), ""},
		{media, "file:way-out.opus", ""},
		{media, "file:way-up/secret.opus", ""},
		{media, "file:", ""},
		{"", "file:talk.opus", ""},
		{filepath.Join(dir, "missing"), "file:talk.opus", ""},
	} {
		got, err := BuiltIn(Limits{MediaDir: test.mediaDir, Devices: []string{"USB"}, Own: "device:Own"}).Grant(t.Context(), Asker{}, test.source)
		if test.want == "" && err == nil {
			t.Errorf("%s is allowed as %s", test.source, got)
		}
		if test.want != "" && (err != nil || got != test.want) {
			t.Errorf("%s: %s, %v, want %s", test.source, got, err, test.want)
		}
	}
}

// TestOpenIsLimited: what a room was granted under an older config is not opened again.
func TestOpenIsLimited(t *testing.T) {
	station := BuiltIn(Limits{Devices: []string{"USB"}, Own: "pipe:-"})
	for _, spec := range []string{"device:default", "device:Attic", "device:usb"} {
		if _, err := station.Open(t.Context(), spec, Options{}); err == nil || !strings.Contains(err.Error(), "config allows: device:USB") {
			t.Errorf("%s: %v", spec, err)
		}
	}
	for _, allowed := range []Limits{{Own: "device:default"}, {Devices: []string{"default"}}} {
		if spec, err := BuiltIn(allowed).Grant(t.Context(), Asker{}, "device:default"); err != nil || spec != "device:default" {
			t.Errorf("%+v: %q, %v", allowed, spec, err)
		}
	}
}

func mustEvalSymlinks(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func mustMkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
}

func mustTouch(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
}

func mustSymlink(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}
