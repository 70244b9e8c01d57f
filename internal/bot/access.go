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
	devices      []string // microphones that a room may name
	source       string   // the station's own
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
		mediaDir:     o.MediaDir, devices: o.Devices, source: o.DefaultSource,
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

var errNoSuchFile = errors.New("there is no such file in the media folder")

// confine checks a source that a room asks for. What it returns can be opened:
// a file has become its real path, which is inside the media folder.
func (a access) confine(source string) (string, error) {
	kind, name, _ := strings.Cut(source, ":")
	switch kind {
	case "device":
		return source, a.checkDevice(source, name)
	case "pipe":
		return "", errors.New("a pipe can only be the station's own source, set in its config")
	case "file":
		path, err := a.mediaFile(name)
		return "file:" + path, err
	default:
		return source, nil
	}
}

// checkDevice lets a room open only the microphones meant for it: a computer
// may have others, in other places.
func (a access) checkDevice(source, name string) error {
	named := func(device string) bool { return strings.EqualFold(device, name) }
	if name == "default" || source == a.source || slices.ContainsFunc(a.devices, named) {
		return nil
	}
	return fmt.Errorf("the microphone %q is not among the devices that the station's config lists under devices", name)
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
