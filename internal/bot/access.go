package bot

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"maunium.net/go/mautrix/id"
)

// moderatorPower is the power level of a room's moderators (Matrix spec,
// m.room.power_levels).
const moderatorPower = 50

// access says who may do what, and which files a room may ask for.
type access struct {
	inviters     patterns
	speakers     patterns
	speakerPower int
	mediaDir     string
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
		mediaDir:     o.MediaDir,
	}, nil
}

// maySpeak reports whether the caller may go on air in the room.
func (a access) maySpeak(c caller) bool {
	return c.power >= a.speakerPower || a.speakers.match(c.user)
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

var errNoSuchFile = errors.New("there is no such file in the media folder")

// confine checks a source that a room asks for. What it returns can be opened:
// a file has become its real path, which is inside the media folder.
func (a access) confine(source string) (string, error) {
	kind, name, _ := strings.Cut(source, ":")
	switch kind {
	case "pipe":
		return "", errors.New("a pipe can only be the station's own source, set in its config")
	case "file":
		path, err := a.mediaFile(name)
		return "file:" + path, err
	default:
		return source, nil
	}
}

// mediaFile does not say why a file can not be had: whether something exists
// outside of the folder is nobody's business.
func (a access) mediaFile(name string) (string, error) {
	if a.mediaDir == "" {
		return "", errors.New("this station plays no files: its config names no media folder")
	}
	root, err := filepath.EvalSymlinks(a.mediaDir)
	if err == nil {
		root, err = filepath.Abs(root)
	}
	if err != nil {
		return "", errNoSuchFile
	}
	if !filepath.IsLocal(name) {
		return "", errNoSuchFile
	}
	path, err := filepath.EvalSymlinks(filepath.Join(root, name))
	if err != nil {
		return "", errNoSuchFile
	}
	if inside, err := filepath.Rel(root, path); err != nil || !filepath.IsLocal(inside) {
		return "", errNoSuchFile
	}
	return path, nil
}
