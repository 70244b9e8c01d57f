package bot

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestPatterns(t *testing.T) {
	for _, test := range []struct {
		pattern, user string
		want          bool
	}{
		{"*", "@alice:example.org", true},
		{"@alice:example.org", "@alice:example.org", true},
		{"@alice:example.org", "@alice:example.com", false},
		{"@alice:example.org", "@Alice:example.org", false},
		{"*:example.org", "@alice:example.org", true},
		{"*:example.org", "@alice:sub.example.org", false},
		{"*:example.org", "@alice:evil:example.org", false},
		{"*:example.org", "@alice:example.org.evil", false},
		{"*:localhost:8448", "@alice:localhost:8448", true},
		{"*:localhost", "@alice:localhost:8448", false},
		{"*", "alice", false},
		{"", "@alice:example.org", false},
	} {
		if got := (patterns{"@nobody:example.net", test.pattern}).match(test.user); got != test.want {
			t.Errorf("pattern %q, user %q: %v, want %v", test.pattern, test.user, got, test.want)
		}
	}
	if (patterns)(nil).match("@alice:example.org") {
		t.Error("no pattern matches somebody")
	}
}

func TestCheckPattern(t *testing.T) {
	for _, good := range []string{"*", "@alice:example.org", "*:example.org", "*:localhost:8448"} {
		if err := checkPattern(good); err != nil {
			t.Errorf("pattern %q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "alice", "example.org", "*.example.org", "*:", "@*:example.org", "@al*:example.org", "@alice", "@alice:example.org @bob:example.org"} {
		if checkPattern(bad) == nil {
			t.Errorf("pattern %q is accepted", bad)
		}
	}
}

func TestMaySpeak(t *testing.T) {
	for _, test := range []struct {
		name    string
		options Options
		power   int
		want    bool
	}{
		{"Listed", Options{Speakers: []string{"*:example.org"}}, 0, true},
		{"Moderator", Options{}, 50, true},
		{"Member", Options{}, 49, false},
		{"OwnLevel", Options{SpeakerPower: 10}, 10, true},
		{"BelowOwnLevel", Options{SpeakerPower: 10}, 9, false},
		{"Admin", Options{SpeakerPower: 100}, 100, true},
		{"NobodyByPower", Options{SpeakerPower: 101}, 100, false},
		{"NotEvenHigherPower", Options{SpeakerPower: 101}, 9000, false},
		{"NotEvenTheCreator", Options{SpeakerPower: 101}, math.MaxInt, false},
		{"ListedWithoutPower", Options{SpeakerPower: 101, Speakers: []string{"@alice:example.org"}}, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, err := newAccess(test.options)
			if err != nil {
				t.Fatal(err)
			}
			if got := a.maySpeak(caller{user: "@alice:example.org", power: test.power}); got != test.want {
				t.Errorf("may speak: %v, want %v", got, test.want)
			}
		})
	}
}

func TestConfine(t *testing.T) {
	dir := mustEvalSymlinks(t, t.TempDir())
	media, outside := filepath.Join(dir, "media"), filepath.Join(dir, "secret.opus")
	mustMkdir(t, filepath.Join(media, "jingles"))
	for _, file := range []string{outside, filepath.Join(media, "talk.opus"), filepath.Join(media, "jingles", "a.wav")} {
		mustWrite(t, file)
	}
	mustSymlink(t, outside, filepath.Join(media, "way-out.opus"))
	mustSymlink(t, dir, filepath.Join(media, "way-up"))
	mustSymlink(t, "talk.opus", filepath.Join(media, "today.opus"))
	link := filepath.Join(dir, "link")
	mustSymlink(t, media, link)

	inside := func(path ...string) string { return "file:" + filepath.Join(append([]string{media}, path...)...) }
	for _, test := range []struct{ mediaDir, source, want string }{ // "" is refused
		{media, "device:default", "device:default"},
		{media, "device:USB", "device:USB"},
		{media, "device:usb", "device:usb"},
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
		got, err := access{mediaDir: test.mediaDir, devices: []string{"USB"}, source: "device:Own"}.confine(test.source)
		if test.want == "" && err == nil {
			t.Errorf("%s is allowed as %s", test.source, got)
		}
		if test.want != "" && (err != nil || got != test.want) {
			t.Errorf("%s: %s, %v, want %s", test.source, got, err, test.want)
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

func mustWrite(t *testing.T, path string) {
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
