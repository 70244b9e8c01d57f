package command

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"broadcastbot/capture"
	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/commandtest"
	"broadcastbot/store"
)

const (
	room  = "!room:example.org"
	alice = "@alice:example.org" // a speaker
	bob   = "@bob:example.org"   // not
)

func TestCommands(t *testing.T) {
	alices := broadcast.Status{
		Show:   store.Show{Speaker: alice, Title: "Town hall"},
		Extent: store.Extent{Duration: 65 * time.Second, Size: 500_000}, Uploaded: 499_000,
	}
	for _, test := range []struct {
		name  string
		live  bool // Alice's show is on air
		err   error
		user  string
		power int
		body  string
		want  string             // in the answer; "" is none at all
		asked *broadcast.Request // nil: nothing is started
		over  bool               // nothing is on air afterwards
	}{
		{name: "NotForUs", user: alice, body: "Hello everybody"},
		{name: "Empty", user: alice, body: "  \n "},
		{name: "NotAtTheStart", user: alice, body: "I say !live start"},
		{name: "Help", user: bob, body: "!help", want: "!live start [source] [title]: go on air"},
		{name: "HelpElsewhere", user: bob, body: "!live help", want: "!live start [source] [title]: go on air"},
		{name: "HelpSources", user: bob, body: "!help", want: "device:default, device:NAME: a microphone"},
		{name: "LiveAlone", user: alice, body: "!Live", want: "The show is on air.",
			asked: &broadcast.Request{Rooms: []string{room}, Speaker: alice}},
		{name: "LiveAloneStranger", user: bob, body: "!live", want: "Only this station's speakers"},
		{name: "LiveTitle", user: alice, body: "!live Town hall", want: `I do not know "!live Town". Say !help`},
		{name: "NoPrograms", user: alice, body: "!live source", want: `I do not know "!live source". Say !help`},
		{name: "Unknown", user: alice, body: "!live strat Town hall", want: `I do not know "!live strat". Say !help`},

		{name: "Start", user: alice, body: "!live start", want: "The show is on air.",
			asked: &broadcast.Request{Rooms: []string{room}, Speaker: alice}},
		{name: "StartTitle", user: alice, body: "!live start Town  hall\nof today", want: "“Town hall of today” is on air.",
			asked: &broadcast.Request{Rooms: []string{room}, Speaker: alice, Title: "Town hall of today"}},
		{name: "StartSource", user: alice, body: "!live start tone:440", want: "on air",
			asked: &broadcast.Request{Rooms: []string{room}, Speaker: alice, Source: "tone:440"}},
		{name: "StartSourceTitle", user: alice, body: "!live start device:USB Town hall", want: "on air",
			asked: &broadcast.Request{Rooms: []string{room}, Speaker: alice, Source: "device:USB", Title: "Town hall"}},
		{name: "StartOtherDevice", user: alice, body: "!live start device:Bedroom", want: "the station's config allows: device:USB"},
		{name: "StartAddress", user: alice, body: "!live start https://example.org today", want: "That is an address"},
		{name: "StartAddressInTitle", user: alice, body: "!live start See https://example.org today", want: "on air",
			asked: &broadcast.Request{Rooms: []string{room}, Speaker: alice, Title: "See https://example.org today"}},
		{name: "StartWrongSource", user: alice, body: "!live start File:talk.opus A talk",
			want: "File:talk.opus looks like a source: did you mean file:talk.opus? If it begins the title, put another word before it."},
		{name: "StartColonInTitle", user: alice, body: "!live start News: the day", want: "on air",
			asked: &broadcast.Request{Rooms: []string{room}, Speaker: alice, Title: "News: the day"}},
		{name: "Capitals", user: alice, body: "!Live Start Town hall", want: "on air",
			asked: &broadcast.Request{Rooms: []string{room}, Speaker: alice, Title: "Town hall"}},
		{name: "HiddenCharacters", user: alice, body: "!live start To\u202ewn\x00 hall", want: "“Town hall”",
			asked: &broadcast.Request{Rooms: []string{room}, Speaker: alice, Title: "Town hall"}},
		{name: "TitleTooLong", user: alice, body: "!live start " + strings.Repeat("ä", 201), want: "more than 200 characters"},
		{name: "StartModerator", user: bob, power: 50, body: "!live start", want: "on air",
			asked: &broadcast.Request{Rooms: []string{room}, Speaker: bob}},
		{name: "StartStranger", user: bob, power: 49, body: "!live start", want: "Only this station's speakers"},
		{name: "StartTwice", live: true, user: alice, body: "!live start Other", want: "“Town hall” is on air already"},
		{name: "StartFile", user: alice, body: "!live start file:../../etc/passwd", want: "I cannot start that: this station plays no files"},
		{name: "StartPipe", user: alice, body: "!live start pipe:-", want: "I cannot start that: a pipe can only"},
		{name: "StartFails", err: fmt.Errorf("the gateway cannot take the show: %w", errors.New("no route to host")),
			user: alice, body: "!live start", want: "That did not work: the gateway cannot take the show: no route to host. The station's log"},

		{name: "Stop", live: true, user: alice, body: "!live stop", want: "“Town hall” is over after 12:34.", over: true},
		{name: "StopModerator", live: true, user: bob, power: 50, body: "!live stop", want: "is over", over: true},
		{name: "StopStranger", live: true, user: bob, body: "!live stop", want: "This is the show of " + alice},
		{name: "StopNothing", user: bob, body: "!live stop", want: "Nothing is on air here."},

		{name: "Status", live: true, user: bob, body: "!live status",
			want: "“Town hall” by " + alice + " is on air: 1:05 recorded, the gateway keeps up."},
		{name: "StatusNothing", user: bob, body: "!live status", want: "Nothing is on air here."},
	} {
		t.Run(test.name, func(t *testing.T) {
			fake := &commandtest.Broadcasts{Live: make(map[string]broadcast.Status), Err: test.err}
			if test.live {
				fake.Live[room] = alices
			}
			got := say(t, mustProcessor(t, fake), Request{Room: room, User: test.user, Power: test.power}, test.body)
			if !strings.Contains(got, test.want) || (test.want == "") != (got == "") {
				t.Errorf("answer %q, want %q", got, test.want)
			}
			fake.CheckAsked(t, test.asked)
			if over := len(fake.Live) == 0; test.over && !over {
				t.Error("the show is still on air")
			}
		})
	}
}

func TestStartPlain(t *testing.T) {
	fake := &commandtest.Broadcasts{}
	p := mustProcessor(t, fake)
	p.PlainRooms, p.Rooms = []string{room}, &commandtest.Rooms{}
	if got := say(t, p, Request{Room: room, User: alice}, "!live start Town hall"); !strings.Contains(got, "on air, and not encrypted") {
		t.Errorf("answer %q", got)
	}
	fake.CheckAsked(t, &broadcast.Request{Rooms: []string{room}, Speaker: alice, Title: "Town hall", Plain: true})
}

// TestStartPlainIsRefused: also when it is not known whether the room is
// encrypted.
func TestStartPlainIsRefused(t *testing.T) {
	for want, err := range map[string]error{"This room is encrypted, but": nil, "That did not work": errors.New("the homeserver is away")} {
		fake := &commandtest.Broadcasts{}
		p := mustProcessor(t, fake)
		p.PlainRooms, p.Rooms = []string{room}, &commandtest.Rooms{Encrypted: err == nil, Err: err}
		if got := say(t, p, Request{Room: room, User: alice}, "!live start"); !strings.Contains(got, want) {
			t.Errorf("answer %q, want %q", got, want)
		}
		fake.CheckAsked(t, nil)
	}
}

func TestPanicIsAnswered(t *testing.T) {
	p := mustProcessor(t, &commandtest.Broadcasts{Panics: true})
	if got := say(t, p, Request{Room: room, User: alice}, "!live start"); !strings.Contains(got, "That went wrong inside the station") {
		t.Errorf("answer %q", got)
	}
}

func TestStatusTellsWhatIsPlaying(t *testing.T) {
	p := mustProcessor(t, &commandtest.Broadcasts{Live: map[string]broadcast.Status{room: {Playing: "Ella Fitzgerald - Summertime"}}})
	if got := say(t, p, Request{Room: room}, "!live status"); !strings.HasSuffix(got, " Now playing: Ella Fitzgerald - Summertime.") {
		t.Errorf("answer %q", got)
	}
}

func TestStatusTellsBacklog(t *testing.T) {
	p := mustProcessor(t, &commandtest.Broadcasts{Live: map[string]broadcast.Status{room: {Extent: store.Extent{Size: 900_000}, Uploaded: 100_000}}})
	if got := say(t, p, Request{Room: room}, "!live status"); !strings.Contains(got, "800 kB wait for the gateway") {
		t.Errorf("answer %q", got)
	}
}

func TestStartFile(t *testing.T) {
	fake := &commandtest.Broadcasts{}
	p := mustProcessor(t, fake)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "talk.opus")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	p.Sources = capture.BuiltIn(capture.Limits{MediaDir: dir})
	say(t, p, Request{Room: room, User: alice}, "!live start file:talk.opus A talk")
	fake.CheckAsked(t, &broadcast.Request{Rooms: []string{room}, Speaker: alice, Source: "file:" + path, Title: "A talk"})
}

// TestErrorsAreLogged: the operator reads them, too.
func TestErrorsAreLogged(t *testing.T) {
	var log bytes.Buffer
	p := mustProcessor(t, &commandtest.Broadcasts{Err: fmt.Errorf("open the tape: %w", fs.ErrNotExist)})
	p.Log = slog.New(slog.NewTextHandler(&log, nil))
	say(t, p, Request{Room: room, User: alice}, "!live start")
	if !strings.Contains(log.String(), fs.ErrNotExist.Error()) {
		t.Errorf("the log has no reason: %s", &log)
	}
}

// TestIsUrgent: what opens a microphone is not.
func TestIsUrgent(t *testing.T) {
	p := newDesk(t)
	for body, want := range map[string]bool{
		"!live source revoke": true, "!live source": false, "!live stop": true, "!Live STOP now": true, "!live delete": true,
		"!live start": false, "!live start stop": false, "!live status": false, "!help": false, "!live": false,
	} {
		words, _ := Parse(body)
		if got := p.IsUrgent(words); got != want {
			t.Errorf("%q is urgent: %v, want %v", body, got, want)
		}
	}
}

// TestNames: no command hides another one, under whatever name.
func TestNames(t *testing.T) {
	p := newDesk(t)
	for _, c := range commands() {
		for _, name := range append([]string{c.name}, c.aliases...) {
			words, ok := Parse(strings.ToUpper(name) + " and more")
			found, rest, _ := p.find(words)
			if !ok || found.name != c.name || len(rest) != 2 {
				t.Errorf("%q is taken for %q with the words %q", name, found.name, rest)
			}
		}
	}
}

func TestLeftRoom(t *testing.T) {
	for _, err := range []error{nil, errors.New("the disk is full")} {
		fake := &commandtest.Broadcasts{Live: map[string]broadcast.Status{room: {}, "!other:example.org": {}}, Err: err}
		p := mustProcessor(t, fake)
		p.LeftRoom(t.Context(), room)
		p.LeftRoom(t.Context(), "!quiet:example.org")
		if _, live := fake.Status(room); live != (err != nil) {
			t.Errorf("the show is on air: %v, with the error %v", live, err)
		}
		if _, live := fake.Status("!other:example.org"); !live {
			t.Error("the show of another room has ended")
		}
	}
}

// TestHelpIsComplete: a command that nobody can find does not exist.
func TestHelpIsComplete(t *testing.T) {
	text := say(t, newDesk(t).Processor, Request{}, "!help")
	for _, c := range commands() {
		if !strings.Contains(text, c.name) || c.help == "" {
			t.Errorf("!help does not explain %s", c.name)
		}
	}
}

func mustProcessor(t *testing.T, b Broadcasts) *Processor {
	t.Helper()
	p, err := New(Options{
		Broadcasts: b, Rights: Rights{Speakers: Users{alice}, Power: 50},
		Sources: capture.BuiltIn(capture.Limits{Devices: []string{"USB"}}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// say returns the answer to a message, "" if it is none to the station.
func say(t *testing.T, p *Processor, r Request, body string) string {
	t.Helper()
	var ok bool
	if r.Words, ok = Parse(body); !ok {
		return ""
	}
	return p.Answer(t.Context(), r)
}

// FuzzCommands: whatever is said, a stranger puts nothing on air, nobody's words break the station,
// and a speaker's words name no source that the config does not allow.
func FuzzCommands(f *testing.F) {
	for _, body := range []string{"!live start", "!live start tone:440 A title", "!live start file:../x", "!LIVE\u00a0start", "!live stop now",
		"!help", "!live", "!live start device:USB", "!live start pipe:-", "!live start \u202e\x00", "! live start"} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, user := range []string{alice, bob} {
			fake := &commandtest.Broadcasts{}
			answer := say(t, mustProcessor(t, fake), Request{Room: room, User: user}, body)
			if strings.Contains(answer, "inside the station") {
				t.Errorf("%q: a panic", body)
			}
			asked := fake.Asked()
			if user == bob && len(asked) > 0 {
				t.Errorf("%q: a stranger has started %+v", body, asked)
			}
			for _, request := range asked {
				checkRequest(t, body, request)
			}
		}
	})
}

func checkRequest(t *testing.T, body string, r broadcast.Request) {
	t.Helper()
	if utf8.RuneCountInString(r.Title) > MaxTitle || strings.ContainsFunc(r.Title, unicode.IsControl) {
		t.Errorf("%q: the title %q", body, r.Title)
	}
	if r.Source != "" && !strings.HasPrefix(r.Source, "tone:") && !strings.HasPrefix(r.Source, "device:") {
		t.Errorf("%q: the source %q", body, r.Source)
	}
}

// TestReturningShow: a show that comes back after a restart belongs to somebody already.
func TestReturningShow(t *testing.T) {
	fake := &commandtest.Broadcasts{}
	fake.Set(room, broadcast.Status{Show: store.Show{Speaker: alice, Title: "Town hall"}, Returning: true})
	for body, want := range map[string]string{
		"!live status": "“Town hall” by " + alice + " comes back", "!live stop": "This is the show of " + alice,
	} {
		if got := say(t, mustProcessor(t, fake), Request{Room: room, User: bob}, body); !strings.Contains(got, want) {
			t.Errorf("answer %q to %q, want %q", got, body, want)
		}
	}
}

// settling is a station whose show is not settled: it is just starting, or coming back.
type settling struct{ *commandtest.Broadcasts }

func (settling) Status(string) (broadcast.Status, bool) { return broadcast.Status{}, false }

// TestStopUnsettledShow: nobody may end another's show while nobody knows yet how it stands.
func TestStopUnsettledShow(t *testing.T) {
	for _, test := range []struct {
		user  string
		power int
		want  string
	}{{bob, 49, "This is the show of " + alice}, {bob, 50, "is over"}, {alice, 0, "is over"}} {
		fake := &commandtest.Broadcasts{}
		fake.Set(room, broadcast.Status{Show: store.Show{Speaker: alice}})
		if got := say(t, mustProcessor(t, settling{fake}), Request{Room: room, User: test.user, Power: test.power}, "!live stop"); !strings.Contains(got, test.want) {
			t.Errorf("answer %q to %s with power %d, want %q", got, test.user, test.power, test.want)
		}
	}
}
