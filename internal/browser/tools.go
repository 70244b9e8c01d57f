package browser

import (
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed package.json
var packageJSON []byte

//go:embed package-lock.json
var packageLock []byte

// tools are the programs that a browser needs, and the driver's node modules.
type tools struct{ node, chromium, modules string }

const install = "get it with: apt-get install chromium nodejs npm"

// oldestNode is what playwright-core runs on.
const oldestNode = 20

func findTools(ctx context.Context) (tools, error) {
	node, err := findNode(ctx)
	if err != nil {
		return tools{}, err
	}
	chromium, err := findChromium()
	if err != nil {
		return tools{}, err
	}
	modules, err := findModules(ctx)
	return tools{node, chromium, modules}, err
}

func findNode(ctx context.Context) (string, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return "", fmt.Errorf("%w; %s", err, install)
	}
	out, err := exec.CommandContext(ctx, node, "--version").Output()
	version := strings.TrimSpace(string(out))
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	if n, bad := strconv.Atoi(major); err != nil || bad != nil || n < oldestNode {
		return "", fmt.Errorf("%s is version %q, and it takes %d; %s", node, version, oldestNode, install)
	}
	return node, nil
}

func findChromium() (string, error) {
	for _, name := range []string{cmp.Or(os.Getenv("CHROMIUM"), "chromium"), "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("neither $CHROMIUM nor chromium, chromium-browser or google-chrome is a program; %s", install)
}

// findModules returns the node_modules that package-lock.json describes. They
// are fetched once, and kept among the user's caches.
func findModules(ctx context.Context) (string, error) {
	caches, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	hash := sha256.Sum256(packageLock)
	home := filepath.Join(caches, "broadcastbot", "browser-"+hex.EncodeToString(hash[:8]))
	modules := filepath.Join(home, "node_modules")
	if _, err := os.Stat(modules); err == nil {
		return modules, nil
	}
	if err := fetchModules(ctx, home); err != nil {
		return "", err
	}
	return modules, nil
}

// fetchModules fetches beside the place and then moves there, so that nobody
// finds half of them. Another test may be faster; then its modules are used.
func fetchModules(ctx context.Context, home string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return fmt.Errorf("%w; %s", err, install)
	}
	if err := os.MkdirAll(filepath.Dir(home), 0o700); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(home), "fetching-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for name, content := range map[string][]byte{"package.json": packageJSON, "package-lock.json": packageLock} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	fetch := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1", "--fetch-retry-mintimeout=1000")
	fetch.Dir = dir
	if out, err := fetch.CombinedOutput(); err != nil {
		return fmt.Errorf("npm cannot fetch playwright-core and axe-core: %w\n%s", err, out)
	}
	if err := os.Rename(dir, home); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}
