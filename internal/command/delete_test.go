package command

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"broadcastbot/internal/broadcast"
	"broadcastbot/internal/commandtest"
	"broadcastbot/store"
)

// TestDelete: the speaker and moderators delete a show, nobody else does, and nobody by mistake.
func TestDelete(t *testing.T) {
	const speaker, other = "@a:x", "@b:x"
	show := store.Show{ID: "id", Speaker: speaker, Title: "Town hall", StartedAt: time.UnixMilli(1795425442479), Tracks: []store.Track{{}}}
	plain := show
	plain.Tracks = []store.Track{{Plain: true, MXC: "mxc://x/file"}}
	uploading := show
	uploading.Stage, uploading.Tracks = store.Concluding, []store.Track{{Plain: true, Reserved: "mxc://x/reserved"}}
	again := plain
	again.Stage = store.Deleting // Show.Forget makes all of them plain
	for _, test := range []struct {
		user    string
		power   int
		words   string
		answers string // event
		err     error  // of Delete
		deletes bool
		want    string
	}{
		{speaker, 0, "!live delete", "", nil, true, "“Town hall” of 23 November 2026, 09:17 UTC is deleted."},
		{other, 50, "!live delete", "", nil, true, "is deleted"},
		{other, 49, "!live delete", "", nil, false, "only they and the room's moderators may delete it"},
		{speaker, 0, "!live delete", "$announcement", nil, true, "is deleted"},
		{other, 0, "!live delete", "$announcement", nil, false, "only they"},
		{other, 100, "!live delete", "$other", nil, false, "belongs to no show of mine"},
		{other, 100, "!live delete Town hall", "", nil, false, "answer its announcement"},
		{speaker, 0, "!LIVE Delete", "$plain", nil, true, "The homeserver keeps its copy, mxc://x/file"},
		{speaker, 0, "!live delete", "$uploading", nil, true, "The homeserver may have a copy, mxc://x/reserved"},
		{speaker, 0, "!live delete", "$again", nil, true, "UTC is deleted."},
		{speaker, 0, "!live delete", "", fmt.Errorf("%w: away", broadcast.ErrNotCutOff), true, "is deleted, but not at the gateway yet"},
		{speaker, 0, "!live delete", "", errors.Join(broadcast.ErrNotCutOff, broadcast.ErrNotOnRecord), true, "a restart may forget it"},
		{speaker, 0, "!live delete", "", broadcast.ErrNotLive, true, "That did not work"},
	} {
		fake := &commandtest.Broadcasts{
			Shows: map[string]store.Show{"": show, "$announcement": show, "$plain": plain, "$uploading": uploading, "$again": again}, Err: test.err, Removed: make(chan string, 1),
		}
		p, err := New(Options{Broadcasts: fake})
		if err != nil {
			t.Fatal(err)
		}
		words, _ := Parse(test.words)
		answer := p.Answer(t.Context(), Request{Room: "!r:x", User: test.user, Power: test.power, Words: words, ReplyTo: test.answers})
		if !strings.Contains(answer, test.want) || strings.Contains(answer, "mxc") != strings.Contains(test.want, "mxc") || len(fake.Removed) > 0 != test.deletes {
			t.Errorf("%s (%d) says %q to %q: answer %q, deleted %v, want %q, %v",
				test.user, test.power, test.words, test.answers, answer, len(fake.Removed) > 0, test.want, test.deletes)
		}
	}
}

func TestNothingToDelete(t *testing.T) {
	p, err := New(Options{Broadcasts: &commandtest.Broadcasts{}})
	if err != nil {
		t.Fatal(err)
	}
	answer := p.Answer(t.Context(), Request{Room: "!r:x", User: "@a:x", Words: []string{"!live", "delete"}})
	if !strings.Contains(answer, "no show to be deleted") {
		t.Errorf("answer %q", answer)
	}
}

// TestShowsThatMustNotGoOn: of a room's show only the speaker matters, and of its encryption only a
// show that has none.
func TestShowsThatMustNotGoOn(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(*Processor) string
		plain   bool
		ends    string
	}{
		"the speaker leaves":        {func(p *Processor) string { return p.SpeakerLeft(t.Context(), "!r:x", "@a:x") }, false, "@a:x is not in this room any more"},
		"somebody else leaves":      {func(p *Processor) string { return p.SpeakerLeft(t.Context(), "!r:x", "@b:x") }, false, ""},
		"they leave another room":   {func(p *Processor) string { return p.SpeakerLeft(t.Context(), "!other:x", "@a:x") }, false, ""},
		"encryption, plain show":    {func(p *Processor) string { return p.EncryptionOn(t.Context(), "!r:x") }, true, "this room is encrypted now"},
		"encryption, another's key": {func(p *Processor) string { return p.EncryptionOn(t.Context(), "!r:x") }, false, ""},
	} {
		fake := &commandtest.Broadcasts{}
		fake.Set("!r:x", broadcast.Status{Show: store.Show{Speaker: "@a:x", Tracks: []store.Track{{Plain: test.plain}}}})
		p, err := New(Options{Broadcasts: fake})
		if err != nil {
			t.Fatal(err)
		}
		told := test.happens(p)
		if _, live := fake.Status("!r:x"); live != (test.ends == "") || !strings.Contains(told, test.ends) || (told == "") != (test.ends == "") {
			t.Errorf("%s: live %v, the room reads %q, want %q", name, live, told, test.ends)
		}
	}
}
