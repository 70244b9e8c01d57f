package command

import (
	"math"
	"strings"
	"testing"
)

func TestUsers(t *testing.T) {
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
		if got := (Users{"@nobody:example.net", test.pattern}).Match(test.user); got != test.want {
			t.Errorf("pattern %q, user %q: %v, want %v", test.pattern, test.user, got, test.want)
		}
	}
	if Users(nil).Match("@alice:example.org") {
		t.Error("no pattern matches somebody")
	}
}

func TestUsersCheck(t *testing.T) {
	for _, good := range []string{"*", "@alice:example.org", "*:example.org", "*:localhost:8448"} {
		if err := (Users{"*", good}).Check(); err != nil {
			t.Errorf("pattern %q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "alice", "example.org", "*.example.org", "*:", "@*:example.org", "@al*:example.org", "@alice", "@alice:example.org @bob:example.org"} {
		if (Users{"*", bad}).Check() == nil {
			t.Errorf("pattern %q is accepted", bad)
		}
	}
}

func TestMaySpeak(t *testing.T) {
	for _, test := range []struct {
		name   string
		rights Rights
		power  int
		want   bool
	}{
		{"Listed", Rights{Speakers: Users{"*:example.org"}}, 0, true},
		{"Moderator", Rights{Power: 50}, 50, true},
		{"Member", Rights{Power: 50}, 49, false},
		{"NothingSaid", Rights{}, 100, false},
		{"OwnLevel", Rights{Power: 10}, 10, true},
		{"BelowOwnLevel", Rights{Power: 10}, 9, false},
		{"Admin", Rights{Power: 100}, 100, true},
		{"NobodyByPower", Rights{Power: 101}, 100, false},
		{"NotEvenHigherPower", Rights{Power: 101}, 9000, false},
		{"NotEvenTheCreator", Rights{Power: 101}, math.MaxInt, false},
		{"ListedWithoutPower", Rights{Power: 101, Speakers: Users{"@alice:example.org"}}, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.rights.MaySpeak(Request{User: "@alice:example.org", Power: test.power}); got != test.want {
				t.Errorf("may speak: %v, want %v", got, test.want)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(Options{Rights: Rights{Speakers: Users{"*@example.com"}}}); err == nil || !strings.Contains(err.Error(), `pattern "*@example.com" is`) {
		t.Errorf("error %v", err)
	}
}
