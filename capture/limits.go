package capture

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Limits say which sources a command in a room may ask for.
type Limits struct {
	MediaDir string   // the only folder with files for rooms; "" allows none
	Devices  []string // names or IDs of the microphones that may be opened
	Own      string   // the station's own source: its microphone may be opened, too
}

func grantAll(_ context.Context, _ Asker, name string) (string, error) { return name, nil }

// devices are the names and IDs that the config allows. A computer may have other microphones, in
// other places, the system's default among them.
func (l Limits) devices() []string {
	if own, isDevice := strings.CutPrefix(l.Own, "device:"); isDevice {
		return append([]string{own}, l.Devices...)
	}
	return l.Devices
}

// grantDevice returns the name in the config's spelling: case does not matter in a room, but it does
// to the sound system.
func (l Limits) grantDevice(_ context.Context, _ Asker, name string) (string, error) {
	allowed := l.devices()
	i := slices.Index(allowed, name)
	if i < 0 {
		i = slices.IndexFunc(allowed, func(device string) bool { return strings.EqualFold(device, name) })
	}
	if i < 0 || name == "" {
		return "", l.refuseDevice(name)
	}
	return allowed[i], nil
}

func (l Limits) refuseDevice(name string) error {
	allowed := l.devices()
	if len(allowed) == 0 {
		return errors.New("this station opens no microphone: its config lists none under devices")
	}
	return fmt.Errorf("the microphone %q is not among those that the station's config allows: device:%s",
		name, strings.Join(allowed, ", device:"))
}

var errNoSuchFile = errors.New("there is no such file in the media folder")

// grantFile returns the real path of a file inside the media folder. It does not say why a
// file cannot be had: whether something exists outside of the folder is nobody's business.
func (l Limits) grantFile(_ context.Context, _ Asker, name string) (string, error) {
	if l.MediaDir == "" {
		return "", errors.New("this station plays no files: its config names no media folder")
	}
	root, err := realPath(l.MediaDir)
	if err != nil || !filepath.IsLocal(name) {
		return "", errNoSuchFile
	}
	path, err := filepath.EvalSymlinks(filepath.Join(root, name))
	if err != nil {
		return "", errNoSuchFile
	}
	if !isInside(root, path) {
		return "", errNoSuchFile
	}
	return path, nil
}

// isInside compares real paths.
func isInside(root, path string) bool {
	inside, err := filepath.Rel(root, path)
	return err == nil && filepath.IsLocal(inside)
}
