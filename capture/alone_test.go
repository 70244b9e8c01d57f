package capture

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// studio is a kind that is named alone and whose shows begin elsewhere.
var studio = append(BuiltIn(Limits{}), Kind{
	Name: "studio", Live: true, Alone: true, Late: time.Minute, Examples: []string{"studio"}, Help: "a page",
	Open: func(_ context.Context, name string, _ Options) (Source, error) {
		return nil, errors.New("opened " + name)
	},
	Invite: func(_ context.Context, by Asker, title string) (string, error) {
		return by.User + " in " + by.Room + ": " + title, nil
	},
})

// TestKindAlone: its name is a source as the first word, and any word of a title elsewhere.
func TestKindAlone(t *testing.T) {
	for _, test := range []struct{ words, spec, rest, correction string }{
		{words: "studio", spec: "studio"},
		{words: "studio Town hall", spec: "studio", rest: "Town hall"},
		{words: "studio:x talk", spec: "studio:x", rest: "talk"},
		{words: "Live from the studio", rest: "Live from the studio"},
		{words: "Studio talk", rest: "Studio talk"},
		{words: "Studio", correction: "did you mean studio?"},
		{words: "studio:", correction: "did you mean studio?"},
		{words: "`studio`", correction: "did you mean studio?"},
	} {
		spec, rest, err := studio.FromWords(strings.Fields(test.words))
		if spec != test.spec || strings.Join(rest, " ") != test.rest {
			t.Errorf("%s: source %q, title %q", test.words, spec, rest)
		}
		if (err != nil) != (test.correction != "") || err != nil && !strings.Contains(err.Error(), test.correction) {
			t.Errorf("%s: %v, want %q", test.words, err, test.correction)
		}
	}
	if err := studio.Check("studio"); err != nil {
		t.Error(err)
	}
	if _, err := studio.Open(t.Context(), "studio", Options{}); err == nil || err.Error() != "opened " {
		t.Error(err)
	}
	if !studio.IsLive("studio") || studio.Late("studio:x") != time.Minute || studio.Late("tone:440") != 0 {
		t.Error("it is not what its row says")
	}
}

// TestInviting: who asks for the kind alone is invited; who names a source of it is not.
func TestInviting(t *testing.T) {
	for spec, want := range map[string]bool{"studio": true, "studio:x": false, "tone:440": false, "tone": false, "": false} {
		kind, ok := studio.Inviting(spec)
		if ok != want {
			t.Errorf("%q invites: %v", spec, ok)
		}
		if !ok {
			continue
		}
		if answer, err := kind.Invite(t.Context(), Asker{"!r", "@a"}, "Talk"); answer != "@a in !r: Talk" || err != nil {
			t.Errorf("invited: %q, %v", answer, err)
		}
	}
	if forRooms := studio.ForRooms(); forRooms.index("studio") < 0 {
		t.Error("rooms may not ask for it")
	}
	if _, err := studio.Grant(t.Context(), Asker{}, "studio:x"); err == nil {
		t.Error("it grants what it has no function for")
	}
}

// TestOff: of a kind that a station does not have, the name is no title, which would open another source.
func TestOff(t *testing.T) {
	off := slices.Clone(studio)
	off[len(off)-1].Off = "there is none here"
	spec, _, err := off.FromWords([]string{"studio", "Friday"})
	if spec != "studio" || err != nil {
		t.Errorf("source %q, %v", spec, err)
	}
	if _, ok := off.Inviting(spec); ok || off.IsLive(spec) {
		t.Error("it invites, or goes on after a restart")
	}
	if _, err := off.Grant(t.Context(), Asker{}, spec); err == nil || err.Error() != "there is none here" {
		t.Error("granted:", err)
	}
	if _, err := off.Open(t.Context(), spec, Options{}); err == nil || err.Error() != "there is none here" {
		t.Error("opened:", err)
	}
	if off.ForRooms().index("studio") >= 0 {
		t.Error("help lists it")
	}
	if _, rest, err := off.FromWords([]string{"See", "studio:x"}); len(rest) != 2 || err != nil {
		t.Errorf("a title: %q, %v", rest, err)
	}
}

// TestPersonal: what every speaker has of their own is nobody's source when none is named.
func TestPersonal(t *testing.T) {
	kinds := Kinds{{Name: "voice", Alone: true, Personal: true, Examples: []string{"voice"}}}
	for _, spec := range []string{"voice", "voice:x"} {
		if err := kinds.Check(spec); err == nil || !strings.Contains(err.Error(), "voice cannot be the station's own source") {
			t.Errorf("%s: %v", spec, err)
		}
	}
}
