package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"broadcastbot/capture"
	"broadcastbot/internal/broadcast"
	"broadcastbot/store"
)

// fakeBroadcasts is a station without sound.
type fakeBroadcasts struct {
	mu      sync.Mutex
	live    map[string]broadcast.Status
	asked   []broadcast.Request
	err     error // of the next Start or Stop
	panicky bool
	stopped chan string // gets the rooms whose show is over; nil: nobody waits
}

func (f *fakeBroadcasts) Start(_ context.Context, r broadcast.Request) (store.Broadcast, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.panicky {
		panic("out of tape")
	}
	if f.err != nil {
		return store.Broadcast{}, false, f.err
	}
	if running, live := f.live[r.Room]; live {
		return running.Broadcast, false, nil
	}
	f.asked = append(f.asked, r)
	b := store.Broadcast{Room: r.Room, Speaker: r.Speaker, Title: r.Title, State: store.Live, Plain: r.Plain}
	if f.live == nil {
		f.live = make(map[string]broadcast.Status)
	}
	f.live[r.Room] = broadcast.Status{Broadcast: b}
	return b, true, nil
}

func (f *fakeBroadcasts) Stop(_ context.Context, room string) (store.Broadcast, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	running, live := f.live[room]
	if f.err != nil {
		return store.Broadcast{}, f.err
	}
	if !live {
		return store.Broadcast{}, fmt.Errorf("stop: %w", broadcast.ErrNotLive)
	}
	delete(f.live, room)
	if f.stopped != nil {
		f.stopped <- room
	}
	running.Broadcast.State, running.Broadcast.Duration = store.Ended, 754*time.Second
	return running.Broadcast, nil
}

func (f *fakeBroadcasts) Status(room string) (broadcast.Status, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	running, live := f.live[room]
	return running, live
}

func (f *fakeBroadcasts) requests() []broadcast.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

const (
	room  = "!room:example.org"
	alice = "@alice:example.org" // a speaker
	bob   = "@bob:example.org"   // not
)

func TestCommands(t *testing.T) {
	alices := broadcast.Status{
		Broadcast: store.Broadcast{Room: room, Speaker: alice, Title: "Town hall"},
		Position:  65 * time.Second, Size: 500_000, Uploaded: 499_000,
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
		{name: "LiveAlone", user: alice, body: "!live", want: `I do not know "!live". Say !help`},
		{name: "Unknown", user: alice, body: "!live strat Town hall", want: `I do not know "!live strat". Say !help`},

		{name: "Start", user: alice, body: "!live start", want: "The show is on air.",
			asked: &broadcast.Request{Room: room, Speaker: alice}},
		{name: "StartTitle", user: alice, body: "!live start Town  hall\nof today", want: "“Town hall of today” is on air.",
			asked: &broadcast.Request{Room: room, Speaker: alice, Title: "Town hall of today"}},
		{name: "StartSource", user: alice, body: "!live start tone:440", want: "on air",
			asked: &broadcast.Request{Room: room, Speaker: alice, Source: "tone:440"}},
		{name: "StartSourceTitle", user: alice, body: "!live start device:USB Town hall", want: "on air",
			asked: &broadcast.Request{Room: room, Speaker: alice, Source: "device:USB", Title: "Town hall"}},
		{name: "StartOtherDevice", user: alice, body: "!live start device:Bedroom", want: "lists under devices"},
		{name: "StartAddress", user: alice, body: "!live start https://example.org today", want: "https://example.org is an address"},
		{name: "StartAddressInTitle", user: alice, body: "!live start See https://example.org today", want: "on air",
			asked: &broadcast.Request{Room: room, Speaker: alice, Title: "See https://example.org today"}},
		{name: "StartWrongSource", user: alice, body: "!live start File:talk.opus A talk",
			want: "File:talk.opus looks like a source: did you mean file:talk.opus? If it begins the title, put another word before it."},
		{name: "StartColonInTitle", user: alice, body: "!live start News: the day", want: "on air",
			asked: &broadcast.Request{Room: room, Speaker: alice, Title: "News: the day"}},
		{name: "Capitals", user: alice, body: "!Live Start Town hall", want: "on air",
			asked: &broadcast.Request{Room: room, Speaker: alice, Title: "Town hall"}},
		{name: "HiddenCharacters", user: alice, body: "!live start To\u202ewn\x00 hall", want: "“Town hall”",
			asked: &broadcast.Request{Room: room, Speaker: alice, Title: "Town hall"}},
		{name: "TitleTooLong", user: alice, body: "!live start " + strings.Repeat("ä", 201), want: "more than 200 characters"},
		{name: "StartModerator", user: bob, power: 50, body: "!live start", want: "on air",
			asked: &broadcast.Request{Room: room, Speaker: bob}},
		{name: "StartStranger", user: bob, power: 49, body: "!live start", want: "Only this station's speakers"},
		{name: "StartTwice", live: true, user: alice, body: "!live start Other", want: "“Town hall” is on air already"},
		{name: "StartFile", user: alice, body: "!live start file:../../etc/passwd", want: "I can not start that: this station plays no files"},
		{name: "StartPipe", user: alice, body: "!live start pipe:-", want: "I can not start that: a pipe can only"},
		{name: "StartFails", err: fmt.Errorf("the gateway can not take the show: %w", errors.New("no route to host")),
			user: alice, body: "!live start", want: "That did not work: the gateway can not take the show: no route to host. The station's log"},

		{name: "Stop", live: true, user: alice, body: "!live stop", want: "“Town hall” is over after 12:34.", over: true},
		{name: "StopModerator", live: true, user: bob, power: 50, body: "!live stop", want: "is over", over: true},
		{name: "StopStranger", live: true, user: bob, body: "!live stop", want: "This is the show of " + alice},
		{name: "StopNothing", user: bob, body: "!live stop", want: "Nothing is on air here."},

		{name: "Status", live: true, user: bob, body: "!live status",
			want: "“Town hall” by " + alice + " is on air: 1:05 recorded, the gateway keeps up."},
		{name: "StatusNothing", user: bob, body: "!live status", want: "Nothing is on air here."},
	} {
		t.Run(test.name, func(t *testing.T) {
			fake := &fakeBroadcasts{live: make(map[string]broadcast.Status), err: test.err}
			if test.live {
				fake.live[room] = alices
			}
			got := mustStation(t, fake).tell(t, caller{room: room, user: test.user, power: test.power}, test.body)
			if !strings.Contains(got, test.want) || (test.want == "") != (got == "") {
				t.Errorf("answer %q, want %q", got, test.want)
			}
			checkAsked(t, fake.asked, test.asked)
			if over := len(fake.live) == 0; test.over && !over {
				t.Error("the show is still on air")
			}
		})
	}
}

func checkAsked(t *testing.T, got []broadcast.Request, want *broadcast.Request) {
	t.Helper()
	switch {
	case want == nil && len(got) > 0:
		t.Errorf("started %+v", got)
	case want != nil && (len(got) != 1 || got[0] != *want):
		t.Errorf("started %+v, want %+v", got, *want)
	}
}

func TestStartPlain(t *testing.T) {
	fake := &fakeBroadcasts{}
	s := mustStation(t, fake)
	s.plain = func(context.Context, string) (bool, error) { return true, nil }
	if got := s.tell(t, caller{room: room, user: alice}, "!live start Town hall"); !strings.Contains(got, "on air, and not encrypted") {
		t.Errorf("answer %q", got)
	}
	checkAsked(t, fake.asked, &broadcast.Request{Room: room, Speaker: alice, Title: "Town hall", Plain: true})
}

// TestStartPlainIsRefused: also when it is not known whether the room is
// encrypted.
func TestStartPlainIsRefused(t *testing.T) {
	for want, err := range map[string]error{"This room is encrypted, but": errEncryptedRoom, "That did not work": errors.New("the homeserver is away")} {
		fake := &fakeBroadcasts{}
		s := mustStation(t, fake)
		s.plain = func(context.Context, string) (bool, error) { return false, err }
		if got := s.tell(t, caller{room: room, user: alice}, "!live start"); !strings.Contains(got, want) {
			t.Errorf("answer %q, want %q", got, want)
		}
		checkAsked(t, fake.asked, nil)
	}
}

func TestPanicIsAnswered(t *testing.T) {
	s := mustStation(t, &fakeBroadcasts{panicky: true})
	if got := s.tell(t, caller{room: room, user: alice}, "!live start"); !strings.Contains(got, "That went wrong inside the station") {
		t.Errorf("answer %q", got)
	}
}

func TestStatusTellsBacklog(t *testing.T) {
	s := mustStation(t, &fakeBroadcasts{live: map[string]broadcast.Status{room: {Size: 900_000, Uploaded: 100_000}}})
	if got := s.tell(t, caller{room: room}, "!live status"); !strings.Contains(got, "800 kB wait for the gateway") {
		t.Errorf("answer %q", got)
	}
}

func TestStartFile(t *testing.T) {
	fake := &fakeBroadcasts{}
	s := mustStation(t, fake)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "talk.opus")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s.sources = capture.BuiltIn(capture.Limits{MediaDir: dir})
	s.tell(t, caller{room: room, user: alice}, "!live start file:talk.opus A talk")
	checkAsked(t, fake.asked, &broadcast.Request{Room: room, Speaker: alice, Source: "file:" + path, Title: "A talk"})
}

// TestErrorsAreLogged: the operator reads them, too.
func TestErrorsAreLogged(t *testing.T) {
	var log bytes.Buffer
	s := mustStation(t, &fakeBroadcasts{err: fmt.Errorf("open the tape: %w", fs.ErrNotExist)})
	s.log = slog.New(slog.NewTextHandler(&log, nil))
	s.tell(t, caller{room: room, user: alice}, "!live start")
	if !strings.Contains(log.String(), fs.ErrNotExist.Error()) {
		t.Errorf("the log has no reason: %s", &log)
	}
}

func TestHeadline(t *testing.T) {
	for err, want := range map[error]string{
		errors.New(`unknown source "x": use tone:440`):                            `unknown source "x": use tone:440`,
		fmt.Errorf("the source can not be opened: %w", errors.New("it is busy.")): "the source can not be opened: it is busy",
		fmt.Errorf("stopped (%w) in the middle", errors.New("no\nroute")):         "stopped (no route) in the middle",
		errors.New(strings.Repeat("ä", 300)):                                      strings.Repeat("ä", 300),
		errors.New(strings.Repeat("ä", 301)):                                      strings.Repeat("ä", 299) + "…",
	} {
		if got := headline(err); got != want {
			t.Errorf("headline of %q: %q, want %q", err, got, want)
		}
	}
}

func TestClock(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0:00", 999 * time.Millisecond: "0:01", 61 * time.Second: "1:01",
		3599 * time.Second: "59:59", 3600 * time.Second: "1:00:00", 36061 * time.Second: "10:01:01",
	} {
		if got := clock(d); got != want {
			t.Errorf("clock(%v) = %s, want %s", d, got, want)
		}
	}
}

// TestHelpIsComplete: a command that nobody can find does not exist.
func TestHelpIsComplete(t *testing.T) {
	text := mustStation(t, &fakeBroadcasts{}).tell(t, caller{}, "!help")
	for _, c := range commands() {
		if !strings.Contains(text, c.name) || c.help == "" {
			t.Errorf("!help does not explain %s", c.name)
		}
	}
}

func encryptedOnly(context.Context, string) (bool, error) { return false, nil }

func mustStation(t *testing.T, b Broadcasts) *station {
	t.Helper()
	a, err := newAccess(Options{Speakers: []string{alice}})
	if err != nil {
		t.Fatal(err)
	}
	sources := capture.BuiltIn(capture.Limits{Devices: []string{"USB"}})
	return &station{broadcasts: b, access: a, sources: sources, plain: encryptedOnly, log: slog.New(slog.DiscardHandler)}
}

// tell gives the station a message and returns its answer, "" if it is none.
func (s *station) tell(t *testing.T, c caller, body string) string {
	t.Helper()
	words, ok := parse(body)
	if !ok {
		return ""
	}
	return s.answer(t.Context(), c, words)
}
