package browser

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// TestModules runs tests of JavaScript modules, *.test.mjs, in the folder of a
// Go test and those below it. What the modules need of a browser, Node.js has
// too. Where it is missing, the test is skipped and told what.
func TestModules(t *testing.T) {
	t.Helper()
	node, err := findNode(t.Context())
	if err != nil {
		t.Skipf("no Node.js: %v", err)
	}
	var files []string
	for _, pattern := range []string{"*.test.mjs", "*/*.test.mjs"} {
		found, _ := filepath.Glob(pattern) // the patterns are well-formed
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Fatal("there are no tests")
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
