package capture

import (
	"bufio"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

var kinds = BuiltIn(Limits{})

func TestFromWordsTakesTheFirst(t *testing.T) {
	for text, spec := range map[string]string{
		"device:default": "device:default", "device:USB": "device:USB", "file:talk.opus": "file:talk.opus",
		"file:a/b.wav": "file:a/b.wav", "file:x": "file:x", "tone:440,duration=3s": "tone:440,duration=3s", "pipe:-": "pipe:-",
	} {
		for _, title := range []string{"", "Town hall", "Talk: mic check"} {
			got, rest, err := kinds.FromWords(strings.Fields(text + " " + title))
			if got != spec || strings.Join(rest, " ") != title || err != nil {
				t.Errorf("%s %s: source %q, title %q, %v", text, title, got, rest, err)
			}
		}
	}
}

func TestFromWordsLeavesTitles(t *testing.T) {
	for _, title := range []string{
		"", "Town hall", "News: the day", "Talk: mic check", "Ten: a film", "Mic check one two", "Microphones of the world", "Devices",
		"Tone poems by Strauss", "Tone: a history", "Tones", "File sharing", "File under jazz", "File-sharing today", "Pipe organ", "Pipe: a history of plumbing",
		"Device drivers for everyone", "Filed: five letters", "Profile: Ada", "re:publica 2026", "Re:Zero", "One:1 meetings", "Zone:51", "Mile:stone",
		"20:15 news", "12 tones", "440", "default", "Talk about device: default", "A tone", "The mic", "and/or", "/ a slash", "... and so on",
		"“Town hall”", "(Live) from Bonn", "v1.5 is out", "opus", ".opus", "Opus 111", "Mozart op. 5", "Ünter uns: eins", "über:all", "- a dash", ":", ": x", "\"\" x",
		"file.it", "radio.example", "@alice:example.org", "#town:example.org", "e=mc2",
	} {
		words := strings.Fields(title)
		spec, rest, err := kinds.FromWords(words)
		if spec != "" || err != nil || !slices.Equal(rest, words) {
			t.Errorf("%q: source %q, rest %q, %v", title, spec, rest, err)
		}
	}
}

func TestFromWordsCorrects(t *testing.T) {
	for text, meant := range map[string]string{
		"File:x": "did you mean file:x?", "FILE:x": "did you mean file:x?", "file;x": "did you mean file:x?", "file=x": "did you mean file:x?",
		"file：x": "did you mean file:x?", "File:My.Talk.opus Town hall": "did you mean file:My.Talk.opus?",
		"flie:x": "did you mean file:x?", "fil:x": "did you mean file:x?", "files:x": "did you mean file:x?", "devcie:USB": "did you mean device:USB?",
		"Device;USB": "did you mean device:USB?", "Tone:880 Test": "did you mean tone:880?", "tome:440": "did you mean tone:440?",
		"mic": "did you mean device:default?", "Mic": "did you mean device:default?", "MIC:": "did you mean device:default?", "microphone": "did you mean device:default?",
		"mic.": "did you mean device:default?", "Mic!": "did you mean device:default?", "mic, please": "did you mean device:default?",
		"mic:USB": "did you mean device:USB?", "mic check": "did you mean device:default?", "mic Town hall": "did you mean device:default?",
		"device": "did you mean device:default?", "device default": "did you mean device:default?", "device: default": "did you mean device:default?",
		"Device Default": "did you mean device:default?", "device:": "did you mean device:default?", "device : default": "did you mean device:default?",
		"tone": "did you mean tone:440?", "Tone": "did you mean tone:440?", "tone:": "did you mean tone:440?", "tone 880": "did you mean tone:880?",
		"Tone 880": "did you mean tone:880?", "tone: a film": "did you mean tone:440?", "tone :880": "did you mean tone:880?",
		"file": "did you mean file:talk.opus?", "file: x.mp3": "did you mean file:x.mp3?", "File x.mp3 Town hall": "did you mean file:x.mp3?",
		"pipe": "did you mean pipe:-?", "stdin": "did you mean pipe:-?", "Pipe -": "did you mean pipe:-?",
		"talk.opus": "did you mean file:talk.opus?", "Talk.MP3": "did you mean file:Talk.MP3?", "./talk": "did you mean file:talk?",
		"/srv/radio/talk.wav": "did you mean file:talk.wav?", "~/talk": "did you mean file:talk?", `C:\radio\talk.mp3`: "did you mean file:talk.mp3?",
		"https://radio.example/stream.mp3": "is an address", "HTTP://radio.example": "is an address", "rtsp://camera": "is an address", "www.example.org": "is an address",
		"https://example.org today": "is an address", "“https://example.org”": "is an address",
		`"file:x"`: "did you mean file:x?", "`file:x` Town hall": "did you mean file:x?", "“mic”": "did you mean device:default?", "<device:USB>": "did you mean device:USB?",
		`"file:my talk.opus"`: "without quotation marks", `"talk.opus"`: "did you mean file:talk.opus?",
	} {
		checkCorrected(t, text, meant)
	}
}

func TestFromWordsWantsTheSourceFirst(t *testing.T) {
	for text, want := range map[string]string{"Town hall file:x": "file:x is a source", "--source tone:440": "tone:440 is a source"} {
		if spec, _, err := kinds.FromWords(strings.Fields(text)); spec != "" || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: source %q, %v, want %q", text, spec, err, want)
		}
	}
}

// TestFromWordsCorrectsWhatOnceWentOnAir reads messages that opened the station's own
// source, with the words as the title of the show.
func TestFromWordsCorrectsWhatOnceWentOnAir(t *testing.T) {
	f, err := os.Open("testdata/starts-with-a-wrong-source.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := 0
	for scanner := bufio.NewScanner(f); scanner.Scan(); lines++ {
		text, found := strings.CutPrefix(scanner.Text(), "!live start ")
		if !found {
			t.Errorf("line %q is no start", scanner.Text())
		}
		checkCorrected(t, text, "")
	}
	if lines == 0 {
		t.Error("no cases")
	}
}

func checkCorrected(t *testing.T, text, want string) {
	t.Helper()
	spec, _, err := kinds.FromWords(strings.Fields(text))
	var correction Correction
	if !errors.As(err, &correction) || !strings.Contains(err.Error(), want) || spec != "" {
		t.Errorf("%q: source %q, %v, want %q", text, spec, err, want)
	}
}

// TestAddresses: with a kind that plays addresses, they are specifications.
func TestAddresses(t *testing.T) {
	with := append(BuiltIn(Limits{}), Kind{Name: "https", Examples: []string{"https://HOST/STREAM"}})
	for typed, want := range map[string]string{
		"https://radio.example/a?b=c&d#e My show": "https://radio.example/a?b=c&d#e",
		"HTTPS://radio.example/a":                 "it has to begin with https://, without quotation marks",
		"<https://radio.example/a>":               "it has to begin with https://, without quotation marks",
		"https;//radio.example/a?b":               "it has to begin with https://, without quotation marks",
		"rtsp://camera":                           "plays none of that kind",
		"www.radio.example":                       "plays none of that kind",
		"https":                                   "did you mean https://HOST/STREAM?",
	} {
		spec, _, err := with.FromWords(strings.Fields(typed))
		if spec != want && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %q, %v, want %q", typed, spec, err, want)
		}
	}
	for spec, want := range map[string]string{
		"https://radio.example/a?token=secret": "https://radio.example/…", "https://me:secret@radio.example:8000/a": "https://radio.example:8000/…",
		"https://radio.example/a;secret": "https://radio.example/…", "https://radio.example": "https://radio.example/…",
		"http://me:sec/ret@radio.example": "http:///…", "https://me:%zz@radio.example/": "https:///…", "file:what?.opus": "file:what?.opus",
	} {
		if got := Loggable(spec); got != want {
			t.Errorf("%s is logged as %s", spec, got)
		}
	}
}

// TestAddressesAreNotRepeated: there may be a password in one, and an answer is for everybody in a room.
func TestAddressesAreNotRepeated(t *testing.T) {
	with := append(BuiltIn(Limits{}), Kind{Name: "https", Grant: grantAll, Examples: []string{"https://HOST/STREAM"}})
	for _, typed := range []string{
		"https://me:secret@radio.example", "HTTPS://radio.example/secret", "\"https://radio.example/secret\"", "\"https://radio.example/?secret now\"",
		"Friday https://radio.example/?secret", "rtsp://me:secret@camera/", "htps://radio.example/secret", "www.radio.example/secret",
	} {
		for _, kinds := range []Kinds{with, BuiltIn(Limits{})} {
			if _, _, err := kinds.FromWords(strings.Fields(typed)); err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", typed, err)
			}
			if err := kinds.Check(typed); err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", typed, err)
			}
		}
	}
}
