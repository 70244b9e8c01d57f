package bot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"maunium.net/go/mautrix/id"
)

// moderatorPower is the power level of a room's moderators (Matrix spec,
// m.room.power_levels).
const moderatorPower = 50

// access says who may do what.
type access struct {
	inviters     patterns
	speakers     patterns
	speakerPower int
}

func newAccess(o Options) (access, error) {
	for _, p := range slices.Concat(o.Inviters, o.Speakers) {
		if err := checkPattern(p); err != nil {
			return access{}, err
		}
	}
	return access{
		inviters: o.Inviters, speakers: o.Speakers,
		speakerPower: cmp.Or(o.SpeakerPower, moderatorPower),
	}, nil
}

// maxPower is the highest power level that lets somebody speak. A higher
// SpeakerPower means nobody, although rooms know higher levels: whoever made a
// room of version 12 has an infinite one.
const maxPower = 100

// maySpeak reports whether the caller may go on air in the room.
func (a access) maySpeak(c caller) bool {
	byPower := a.speakerPower <= maxPower && c.power >= a.speakerPower
	return byPower || a.speakers.match(c.user)
}

// patterns of users: "@alice:example.org", "*:example.org" for everybody of a
// server, "*" for everybody.
type patterns []string

func (p patterns) match(user string) bool {
	_, server, ok := strings.Cut(user, ":")
	return ok && slices.ContainsFunc(p, func(pattern string) bool {
		return pattern == "*" || pattern == user || pattern == "*:"+server
	})
}

func checkPattern(p string) error {
	if p == "*" {
		return nil
	}
	user := p
	if server, ok := strings.CutPrefix(p, "*:"); ok {
		user = "@any:" + server
	}
	if _, _, err := id.UserID(user).ParseAndValidateRelaxed(); err != nil || strings.ContainsAny(user, "* ") {
		return fmt.Errorf("pattern %q is neither a Matrix id (@alice:example.org) nor *:example.org nor *", p)
	}
	return nil
}
