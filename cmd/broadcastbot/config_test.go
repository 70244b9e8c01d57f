package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"broadcastbot"
)

func mustWrite(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestConfigFileIsComplete: every key of the program is in config.yaml, with a
// comment above it.
func TestConfigFileIsComplete(t *testing.T) {
	lines := strings.Split(string(broadcastbot.Config), "\n")
	var check func(typ reflect.Type, indent string)
	check = func(typ reflect.Type, indent string) {
		for i := range typ.NumField() {
			field := typ.Field(i)
			key := field.Tag.Get("yaml")
			line := regexp.MustCompile("^" + indent + key + ":")
			n := -1
			for i := range lines {
				if line.MatchString(lines[i]) {
					n = i
				}
			}
			if n < 0 {
				t.Errorf("config.yaml lacks %s%s", indent, key)
				continue
			}
			if field.Type.Kind() == reflect.Struct {
				check(field.Type, indent+"  ")
				continue
			}
			if above := strings.TrimSpace(lines[n-1]); !strings.HasPrefix(above, "#") && key != "access_token" {
				t.Errorf("config.yaml has no comment above %s%s", indent, key)
			}
		}
	}
	check(reflect.TypeFor[config](), "")
}

func TestUnknownKeysAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"homserver: x":                         `unknown key "homserver"`,
		"gateway: {lisen: x}":                  `unknown key "lisen"`,
		"audio: {block: soon}":                 "line 1",
		"speakers: [":                          "line 1",
		"trust: verified":                      `has to be cross-signed or any, not "verified"`,
		"rooms: {\"!r:x\": {encryptoin: off}}": `unknown key "encryptoin"`,
		"rooms: {\"!r:x\": {encryption: 0}}":   `line 1: has to be on or off, not "0"`,
		"audio: {channels: \"two\"}":           "line 1",
	} {
		_, err := loadConfig(mustWrite(t, text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestProgramsAreReached: speakers are told an address at which this machine's port answers.
func TestProgramsAreReached(t *testing.T) {
	const elsewhere = `gateway: {remote: "https://r.example.org", public_url: "https://r.example.org", upload_token: x}`
	const own = `gateway: {public_url: "https://r.example.org"}`
	for text, want := range map[string]string{
		elsewhere + "\nicecast: {listen: 0.0.0.0:8010}":                                              "icecast.public_url: is needed for a remote gateway",
		elsewhere + "\nicecast: {listen: 0.0.0.0:8010, public_url: \"http://bot.example.org:8010\"}": "",
		elsewhere: "",
		own + "\nicecast: {listen: 127.0.0.1:8010}":                                             "icecast.public_url: is needed, because icecast.listen is 127.0.0.1:8010",
		own + "\nicecast: {listen: 127.0.0.1:8010, public_url: \"https://r.example.org:8443\"}": "",
		own + "\nicecast: {listen: 0.0.0.0:8010}":                                               "",
		"icecast: {listen: 127.0.0.1:8010}":                                                     "", // nor does anybody else reach the gateway
	} {
		c, err := loadConfig(mustWrite(t, complete+text))
		if err != nil {
			t.Fatal(err)
		}
		err = c.check()
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestChooseSource: where the gateway is elsewhere, the studio page is there only if the config
// asks for it. Where the config names a source, nobody asks for a microphone.
func TestChooseSource(t *testing.T) {
	for _, test := range []struct {
		source, remote string
		hasMicrophone  bool
		want           string
		hasStudio      bool
	}{
		{want: "studio", hasStudio: true},
		{hasMicrophone: true, want: "device:default", hasStudio: true},
		{remote: "https://r.example.org", want: "device:default"},
		{remote: "https://r.example.org", hasMicrophone: true, want: "device:default"},
		{remote: "https://r.example.org", source: "studio", want: "studio", hasStudio: true},
		{source: "tone:440", want: "tone:440", hasStudio: true},
	} {
		var log bytes.Buffer
		c := &config{Source: test.source, Gateway: gatewayConfig{Remote: test.remote}}
		before := c.hasStudio()
		asked := false
		hasMicrophone := func() bool { asked = true; return test.hasMicrophone }
		c.chooseSource(hasMicrophone, slog.New(slog.NewTextHandler(&log, nil)))
		if asked != (test.source == "") {
			t.Errorf("%+v: the sound system is asked: %v", test, asked)
		}
		if c.Source != test.want || c.hasStudio() != test.hasStudio || before != test.hasStudio {
			t.Errorf("%+v: %s, with a studio: %v, before: %v", test, c.Source, c.hasStudio(), before)
		}
		isDeaf := test.source == "" && test.remote != "" && !test.hasMicrophone
		if strings.Contains(log.String(), "level=WARN") != isDeaf {
			t.Errorf("%+v: the log has %s", test, &log)
		}
	}
}

// TestPlainRooms: however the words are written, and whatever YAML makes of them.
func TestPlainRooms(t *testing.T) {
	for text, plain := range map[string]bool{
		"{}": false, "{encryption: on}": false, "{encryption: true}": false, "{encryption: \"on\"}": false, "{encryption: Yes}": false,
		"{encryption: off}": true, "{encryption: false}": true, "{encryption: 'off'}": true, "{encryption: OFF}": true, "{encryption: no}": true,
	} {
		c, err := loadConfig(mustWrite(t, "rooms:\n  \"!town:example.org\": "+text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := c.plainRooms(); (len(got) == 1 && got[0] == "!town:example.org") != plain || len(got) > 1 {
			t.Errorf("%s: plain are %v", text, got)
		}
	}
}

func TestEnvironmentWins(t *testing.T) {
	t.Setenv("BROADCASTBOT_PASSWORD", "from the environment")
	t.Setenv("BROADCASTBOT_UPLOAD_TOKEN", "token")
	c, err := loadConfig(mustWrite(t, "access_token: from the file\nhomeserver: https://m.example.org"))
	if err != nil {
		t.Fatal(err)
	}
	if c.AccessToken != "" || c.Password != "from the environment" || c.Gateway.UploadToken != "token" || c.Homeserver != "https://m.example.org" {
		t.Errorf("config = %+v", c)
	}
}

const complete = `
homeserver: https://matrix.example.org
user: "@radio:example.org"
password: secret
inviters: ["*:example.org"]
speakers: ["@alice:example.org"]
`

func TestCheckNamesTheKey(t *testing.T) {
	c, err := loadConfig(mustWrite(t, complete))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.check(); err != nil {
		t.Errorf("a complete config: %v", err)
	}
	for text, key := range map[string]string{
		"homeserver: matrix.example.org":               "homeserver:",
		"user: radio":                                  "user:",
		"password: \"\"":                               "password:",
		"access_token: too":                            "password:",
		"inviters: []":                                 "inviters:",
		"inviters: [example.org]":                      "inviters:",
		"speakers: [\"*@example.org\"]":                "speakers:",
		"speakers: []":                                 "speakers: is empty",
		"media_dir: /does/not/exist":                   "media_dir:",
		"speaker_power: 0":                             "speaker_power:",
		"source: nonsense":                             "source:",
		"source: https://radio.example.org/stream":     "source: radio.example.org is not among the hosts",
		"source: http://u:p@radio.example.org/":        "source: an address with a password in it",
		"source: icecast":                              "source: icecast cannot be the station's own source",
		"source: voice":                                "source: voice cannot be the station's own source",
		"icecast: {listen: 8010}":                      "icecast.listen:",
		"icecast: {auto: true}":                        "icecast.listen: is empty",
		"pull_hosts: [\"*.example.org\"]":              "pull_hosts:",
		"source: File:talk.opus":                       "source: File:talk.opus looks like a source: did you mean file:talk.opus?",
		"audio: {channels: 3}":                         "audio:",
		"audio: {bitrate: 1}":                          "audio:",
		"audio: {application: radio}":                  "audio:",
		"audio: {block: 110ms}":                        "audio.block:",
		"audio: {block: 2s}":                           "audio.block:",
		"resume_within: -1s":                           "resume_within:",
		"identities: {alice: x}":                       "identities: ",
		"identities: {\"@a:example.org\": AAAA}":       "identities: the key of @a:example.org",
		"rooms: {\"#town:example.org\": {}}":           "rooms:",
		"gateway: {public_url: radio.example.org}":     "gateway.public_url:",
		"gateway: {remote: \"https://r.example.org\"}": "gateway.upload_token:",
		"gateway: {embedders: [chat.example.org]}":     "gateway.embedders:",
		"gateway: {max_size: -1}":                      "gateway.max_size:",
		"data_dir: \"\"":                               "data_dir:",
		"log: {level: loud}":                           "log:",
		"log: {format: xml}":                           "log:",
	} {
		key0, _, _ := strings.Cut(text, ":")
		base := regexp.MustCompile("(?m)^"+key0+":.*$").ReplaceAllString(complete, "")
		c, err := loadConfig(mustWrite(t, base+text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if err := c.check(); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v, want %q", text, err, key)
		}
	}
}
