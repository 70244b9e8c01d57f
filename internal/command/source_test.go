package command

import (
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/commandtest"
	"broadcastbot/internal/masterkey"
	"broadcastbot/store"
)

// desk is a station that takes programs, with what it has done.
type desk struct {
	*Processor
	broadcasts *commandtest.Broadcasts
	rooms      *commandtest.Rooms
	cutOff     []string // rooms and speakers
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	dir := t.TempDir()
	db, err := store.Open(t.Context(), filepath.Join(dir, "db"), masterkey.File(filepath.Join(dir, "key")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	d := &desk{broadcasts: &commandtest.Broadcasts{}, rooms: &commandtest.Rooms{Encrypted: true}}
	d.Processor = mustProcessor(t, d.broadcasts)
	d.Rooms = d.rooms
	d.Programs = Programs{
		Mounts: db.Mounts(), Address: "https://radio.example.org/icecast/",
		Kind: "icecast", CutOff: func(room, speaker string) { d.cutOff = append(d.cutOff, room+" "+speaker) },
	}
	return d
}

var sentMount, sentPassword = regexp.MustCompile(`Mount: /icecast/(\S+)\n`), regexp.MustCompile(`Password: (\S+)\n`)

// mustGive has a speaker ask, and returns what they were sent.
func (d *desk) mustGive(t *testing.T, user string) (text, mount, password string) {
	t.Helper()
	if got := say(t, d.Processor, Request{Room: room, User: user}, "!live source"); got != SentDirect {
		t.Fatalf("answer %q", got)
	}
	sent := d.rooms.Sent()
	last := sent[len(sent)-1]
	if last.User != user {
		t.Fatalf("sent to %s", last.User)
	}
	return last.Text, sentMount.FindStringSubmatch(last.Text)[1], sentPassword.FindStringSubmatch(last.Text)[1]
}

func TestSource(t *testing.T) {
	d := newDesk(t)
	text, mount, password := d.mustGive(t, alice)
	for _, want := range []string{
		"goes on air in Room " + room, "\nServer: radio.example.org\nPort: 443\nTLS (SSL): yes\nMount: /icecast/" + mount + "\n",
		"\nUser: source\nPassword: " + password + "\nFormat: Ogg Opus",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("sent %q, without %q", text, want)
		}
	}
	if m, err := d.Programs.Mounts.Authorize(t.Context(), mount, password); err != nil || m.Room != room || m.Speaker != alice {
		t.Errorf("%+v, %v", m, err)
	}
	_, second, secondPassword := d.mustGive(t, alice)
	if _, err := d.Programs.Mounts.Authorize(t.Context(), mount, password); !errors.Is(err, store.ErrWrongPassword) {
		t.Error("the first one still counts:", err)
	}
	if _, err := d.Programs.Mounts.Authorize(t.Context(), second, secondPassword); err != nil {
		t.Error(err)
	}
}

// TestSourceWithoutTLS: a station's own port, at an address of numbers.
func TestSourceWithoutTLS(t *testing.T) {
	want := "\n\nServer: 2001:db8::1\nPort: 8000\nTLS (SSL): no, so whoever is on the way can read the password\nMount: /abc"
	if got := server("http://[2001:db8::1]:8000", "abc"); got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
}

// TestSourceIsRefused: strangers get nothing, and who cannot be written to keeps what they have.
func TestSourceIsRefused(t *testing.T) {
	d := newDesk(t)
	_, mount, password := d.mustGive(t, alice)
	if got := say(t, d.Processor, Request{Room: room, User: bob}, "!live source"); !strings.Contains(got, "Only this station's speakers") {
		t.Errorf("answer %q", got)
	}
	if got := say(t, d.Processor, Request{Room: room, User: alice}, "!live source please"); !strings.Contains(got, "Nothing else belongs behind it") {
		t.Errorf("answer %q", got)
	}
	if sent := d.rooms.Sent(); len(sent) != 1 {
		t.Errorf("sent %v", sent)
	}
	d.rooms.DirectErr = Refusal("I cannot reach you.")
	if got := say(t, d.Processor, Request{Room: room, User: alice}, "!live source"); got != "I cannot reach you." {
		t.Errorf("answer %q", got)
	}
	if _, err := d.Programs.Mounts.Authorize(t.Context(), mount, password); err != nil {
		t.Error("what nobody was sent counts in the place of what she has:", err)
	}
}

// TestSourceIsRevoked: also by somebody who may not go on air any more, and with what is on air.
func TestSourceIsRevoked(t *testing.T) {
	d := newDesk(t)
	_, mount, password := d.mustGive(t, alice)
	other, otherPassword := store.NewMount(room, "@carol:example.org")
	if err := d.Programs.Mounts.Put(t.Context(), other, otherPassword); err != nil {
		t.Fatal(err)
	}
	d.Rights.Speakers = nil
	beforeIt := Request{Room: room, User: alice, Before: time.Now().Add(-time.Hour)}
	if got := say(t, d.Processor, beforeIt, "!live source revoke"); !strings.Contains(got, "There is nothing to make void") {
		t.Errorf("answer %q to what was said of an older one", got)
	}
	d.broadcasts.Set(room, broadcast.Status{Show: store.Show{ID: "x", Speaker: alice, Source: "icecast:" + mount, Title: "Town hall"}})
	if got := say(t, d.Processor, Request{Room: room, User: alice}, "!live source Revoke"); got != "Your program's password for this room is void. “Town hall” is over." {
		t.Errorf("answer %q", got)
	}
	if _, err := d.Programs.Mounts.Authorize(t.Context(), mount, password); !errors.Is(err, store.ErrWrongPassword) {
		t.Error("it still counts:", err)
	}
	if len(d.cutOff) != 2 || d.cutOff[1] != room+" "+alice { // with the first one, nothing was there
		t.Errorf("cut off %v", d.cutOff)
	}
	d.broadcasts.Set(room, broadcast.Status{Show: store.Show{ID: "y", Speaker: alice, Source: "icecast:older", Title: "Leaked"}})
	if got := say(t, d.Processor, Request{Room: room, User: alice}, "!live source revoke"); !strings.Contains(got, "There is nothing to make void") || !strings.HasSuffix(got, " “Leaked” is over.") {
		t.Errorf("answer %q", got)
	}
	if _, err := d.Programs.Mounts.Authorize(t.Context(), other.ID, otherPassword); err != nil {
		t.Error("another speaker's is void, too:", err)
	}
}

// TestNewSourceEndsOldShow: who has lost what they were sent asks anew, and the finder is off air.
// So is one who is on air with what is void already when the speaker revokes the new one.
func TestNewSourceEndsOldShow(t *testing.T) {
	for _, command := range []string{"!live source", "!live source revoke"} {
		d := newDesk(t)
		_, mount, _ := d.mustGive(t, alice)
		if command != "!live source" {
			d.mustGive(t, alice)
		}
		d.broadcasts.Set(room, broadcast.Status{Show: store.Show{ID: "x", Speaker: alice, Source: "icecast:" + mount, Title: "Mine"}})
		if got := say(t, d.Processor, Request{Room: room, User: alice}, command); !strings.HasSuffix(got, " “Mine” is over.") {
			t.Errorf("answer %q", got)
		}
		if _, live := d.broadcasts.Status(room); live {
			t.Errorf("%s: the show goes on", command)
		}
		if last := d.cutOff[len(d.cutOff)-1]; last != room+" "+alice {
			t.Errorf("cut off %v", d.cutOff)
		}
	}
}

// TestRevocationEndsNothingElse: what is on air from elsewhere stays.
func TestRevocationEndsNothingElse(t *testing.T) {
	d := newDesk(t)
	d.mustGive(t, alice)
	d.broadcasts.Set(room, broadcast.Status{Show: store.Show{ID: "x", Speaker: alice, Source: "tone:440"}})
	if got := say(t, d.Processor, Request{Room: room, User: alice}, "!live source revoke"); got != "Your program's password for this room is void." {
		t.Errorf("answer %q", got)
	}
	if _, live := d.broadcasts.Status(room); !live {
		t.Error("another show was ended")
	}
}
