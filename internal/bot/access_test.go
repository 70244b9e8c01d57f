package bot

import (
	"math"
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
