package command

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// moderatorPower is the power level of a room's moderators (Matrix spec,
// m.room.power_levels).
const moderatorPower = 50

// maxPower is the highest power level that lets somebody speak. A higher Rights.Power lets nobody,
// although rooms know higher levels: whoever made a room of version 12 has an
// infinite one.
const maxPower = 100

// Rights say who may go on air.
type Rights struct {
	Speakers Users // in any room
	Power    int   // and everybody who has this power level in the room; 0 or above 100: nobody else
}

// MaySpeak reports whether the user may go on air in the room.
func (r Rights) MaySpeak(by Request) bool {
	return r.countsPower() && by.Power >= r.Power || r.Speakers.Match(by.User)
}

// countsPower reports whether anybody may speak because of their power level.
func (r Rights) countsPower() bool { return r.Power > 0 && r.Power <= maxPower }

func (r Request) isModerator() bool { return r.Power >= moderatorPower }

// Users are patterns of Matrix user ids: "@alice:example.org", "*:example.org" for everybody
// of a server, "*" for everybody.
type Users []string

// Match reports whether one of the patterns is about the user.
func (u Users) Match(user string) bool {
	_, server, ok := strings.Cut(user, ":")
	return ok && slices.ContainsFunc(u, func(pattern string) bool {
		return pattern == "*" || pattern == user || pattern == "*:"+server
	})
}

// userPattern is one pattern, with the grammar of server names in the appendices of the
// Matrix spec. User ids of old servers may have any character but a colon.
var userPattern = regexp.MustCompile(`^(\*|(\*|@[^*: ]+):([0-9A-Za-z.-]+|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?)$`)

// maxUserID is how long a Matrix user id can be, in bytes.
const maxUserID = 255

// Check returns an error that names the first pattern which can match nobody.
func (u Users) Check() error {
	for _, pattern := range u {
		if !userPattern.MatchString(pattern) || len(pattern) > maxUserID {
			return fmt.Errorf("pattern %q is neither a Matrix id (@alice:example.org) nor *:example.org nor *", pattern)
		}
	}
	return nil
}
