//go:build unix

package dendrite

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// Version is the release of Dendrite that is built.
const Version = "v0.15.2"

// The module that names Dendrite as its tool. It has other file names here
// because a nested go.mod would hide this folder from go:embed, and because it
// must never become a dependency of the project.
var (
	//go:embed build/dendrite.mod
	goMod []byte
	//go:embed build/dendrite.sum
	goSum []byte
)

// ErrBuild means that Dendrite cannot be built here: there is no network, no C
// compiler, no Go command or no place.
var ErrBuild = errors.New("this machine has no homeserver")

// Build compiles Dendrite and its key generator into the user's cache folder
// and returns the folder of the two programs. What was built before is reused,
// and of several processes that ask at the same time one builds. The first
// build takes minutes and needs the Go command and the module proxy; its
// output goes to log. Unless ctx has ended, an error is ErrBuild.
func Build(ctx context.Context, log io.Writer) (binDir string, err error) {
	binDir, err = build(ctx, log)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", ErrBuild, err)
	}
	return binDir, err
}

func build(ctx context.Context, log io.Writer) (binDir string, err error) {
	dir, err := cacheDir()
	if err != nil {
		return "", fmt.Errorf("find a place for Dendrite: %w", err)
	}
	binDir = filepath.Join(dir, "bin")
	if isBuilt(binDir) {
		return binDir, nil
	}
	unlock, err := lock(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return "", fmt.Errorf("wait for another build of Dendrite: %w", err)
	}
	defer unlock()
	if isBuilt(binDir) { // by the one we waited for
		return binDir, nil
	}
	if err := compile(ctx, dir, binDir, log); err != nil {
		return "", fmt.Errorf("build Dendrite %s in %s: %w", Version, dir, err)
	}
	return binDir, nil
}

// cacheDir makes the folder that belongs to these sources and this toolchain.
func cacheDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	h.Write(goMod)
	h.Write(goSum)
	io.WriteString(h, runtime.Version())
	dir := filepath.Join(cache, "broadcastbot", fmt.Sprintf("dendrite-%s-%.6x", Version, h.Sum(nil)))
	return dir, os.MkdirAll(dir, 0o755)
}

// isBuilt relies on the folder appearing whole: compile renames it into place.
func isBuilt(binDir string) bool {
	_, err := os.Stat(binDir)
	return err == nil
}

// compile builds in a throw-away module next to the result.
func compile(ctx context.Context, dir, binDir string, log io.Writer) error {
	module, err := os.MkdirTemp(dir, "module-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(module)
	if err := os.WriteFile(filepath.Join(module, "go.mod"), goMod, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(module, "go.sum"), goSum, 0o644); err != nil {
		return err
	}
	out := filepath.Join(module, "bin")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", out+string(filepath.Separator),
		"github.com/element-hq/dendrite/cmd/dendrite", "github.com/element-hq/dendrite/cmd/generate-keys")
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=1") // the caller's tags and modes are not ours
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return err
	}
	return os.Rename(out, binDir)
}

// lock takes the lock file for this process alone. It asks again and again
// because no other process can wake us.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}
