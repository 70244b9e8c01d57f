package capture

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Limits say which sources a command in a room may ask for.
type Limits struct {
	MediaDir string   // the only folder with files for rooms; "" allows none
	Devices  []string // names of microphones for rooms, besides "default"
	Own      string   // the station's own source: its microphone is for rooms, too
}

func grantAll(name string) (string, error) { return name, nil }

// grantDevice lets a room open only the microphones meant for it: a computer may have
// others, in other places.
func (l Limits) grantDevice(name string) (string, error) {
	isName := func(device string) bool { return strings.EqualFold(device, name) }
	if name == "default" || "device:"+name == l.Own || slices.ContainsFunc(l.Devices, isName) {
		return name, nil
	}
	return "", fmt.Errorf("the microphone %q is not among the devices that the station's config lists under devices", name)
}

var errNoSuchFile = errors.New("there is no such file in the media folder")

// grantFile returns the real path of a file inside the media folder. It does not say why a
// file cannot be had: whether something exists outside of the folder is nobody's business.
func (l Limits) grantFile(name string) (string, error) {
	if l.MediaDir == "" {
		return "", errors.New("this station plays no files: its config names no media folder")
	}
	root, err := filepath.EvalSymlinks(l.MediaDir)
	if err == nil {
		root, err = filepath.Abs(root)
	}
	if err != nil || !filepath.IsLocal(name) {
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
