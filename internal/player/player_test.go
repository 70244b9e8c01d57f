package player

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// TestPlayerModules runs the tests beside the modules: *.test.mjs. What they need of a browser,
// Node.js has too.
func TestPlayerModules(t *testing.T) {
	node := mustNode(t)
	var files []string
	for _, pattern := range []string{"*.test.mjs", "*/*.test.mjs"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no tests are %s (%v)", pattern, err)
		}
		files = append(files, found...)
	}
	said, err := exec.CommandContext(t.Context(), node, append([]string{"--test", "--test-reporter=tap"}, files...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	// A file without tests counts as one that has passed.
	if n := testsRun(said); n <= len(files) {
		t.Errorf("%d tests in %d files\n%s", n, len(files), said)
	}
}

// testsRun reads how many tests Node.js has run: 0 when it does not say.
func testsRun(said []byte) int {
	match := regexp.MustCompile(`(?m)^# tests (\d+)$`).FindSubmatch(said)
	if match == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(match[1])) // digits
	return n
}

// mustNode returns the program, or skips the test: only tests need it.
func mustNode(t *testing.T) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("the player's tests need Node.js 20 or later:", err)
	}
	version, err := exec.CommandContext(t.Context(), node, "--version").Output()
	if err != nil {
		t.Fatal("node --version:", err)
	}
	match := regexp.MustCompile(`^v(\d+)\.`).FindSubmatch(version)
	if match == nil {
		t.Fatalf("node --version says %q", version)
	}
	if major, _ := strconv.Atoi(string(match[1])); major < 20 {
		t.Skipf("the player's tests need Node.js 20 or later, this is %s", version)
	}
	return node
}
