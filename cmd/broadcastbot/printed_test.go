package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../.." // of the repository

// programs are those that documents and messages tell people to run.
var programs = []string{"broadcastbot", "bin/broadcastbot", "make", "docker", "apt-get", "gofmt"}

// TestPrintedCommands runs every command that a document, a message or a comment of the config tells
// somebody to run, as it is printed, so far as it belongs to this project and is quick. Of others it
// checks the names.
func TestPrintedCommands(t *testing.T) {
	lines := printedCommands(t)
	for _, program := range []string{"broadcastbot", "bin/broadcastbot", "make", "docker", "apt-get"} {
		if !slices.ContainsFunc(lines, func(line string) bool { return programOf(line) == program }) {
			t.Errorf("no document tells anybody to run %s any more: correct this test", program)
		}
	}
	var packages []string
	dir := mustWorkshop(t)
	for _, line := range lines {
		t.Run(line, func(t *testing.T) {
			switch programOf(line) {
			case "make":
				mustRun(t, root, "make", append([]string{"-n"}, strings.Fields(line)[1:]...)...)
			case "docker":
				checkDocker(t, line)
			case "apt-get":
				packages = append(packages, strings.Fields(line)[2:]...)
			case "gofmt":
				mustRun(t, root, "gofmt", "-l", "cmd/broadcastbot/main.go")
			default:
				checkOwn(t, dir, line)
			}
		})
	}
	t.Run("packages", func(t *testing.T) { checkPackages(t, packages) })
}

// assignments are what may stand before the program.
var assignments = regexp.MustCompile(`^([A-Z_]+=\S* )*`)

func programOf(line string) string {
	program, _, _ := strings.Cut(line[len(assignments.FindString(line)):], " ")
	return program
}

// printedCommands collects the commands, each once. Those that a program composes when it runs, with a
// verb of fmt in them, are for the tests of that program.
func printedCommands(t *testing.T) (lines []string) {
	t.Helper()
	add := func(line string) {
		line, _, _ = strings.Cut(line, "  #") // a comment behind it
		line, _, _ = strings.Cut(line, " # ")
		line = strings.TrimSpace(strings.ReplaceAll(line, " …", ""))
		if slices.Contains(programs, programOf(line)) && !strings.Contains(line, "%") && strings.Contains(line, " ") && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	for _, path := range mustFiles(t, ".md", ".html", ".yaml", ".go", "Makefile", "Dockerfile") {
		for _, found := range commandsIn(t, path) {
			for part := range strings.SplitSeq(found, " | ") {
				add(part)
			}
		}
	}
	return lines
}

// mustFiles returns the files of the repository whose names end so, but for tests and what is past.
func mustFiles(t *testing.T, ends ...string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		if entry.IsDir() {
			if slices.Contains([]string{".git", "node_modules", "testdata"}, name) {
				return fs.SkipDir
			}
			return err
		}
		if name != "CHANGELOG.md" && !strings.HasSuffix(name, "_test.go") && slices.ContainsFunc(ends, func(end string) bool { return strings.HasSuffix(name, end) }) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

var (
	codeSpan = regexp.MustCompile("(?m)^    (.+)$|`([^`\n]+)`")                                  // in Markdown
	htmlCode = regexp.MustCompile(`<code>([^<]+)</code>`)                                        //
	inWords  = regexp.MustCompile(`(?m)(?:^\t|: +)((?:` + strings.Join(programs, "|") + `) .+)`) // "get it with: apt-get install sox"
	ourVerbs = regexp.MustCompile(`broadcastbot [a-z-]+(?: FILE)?`)
	jsonList = regexp.MustCompile(`(?m)^(?:HEALTHCHECK .*)?CMD (\[.+\])$`)
)

// commandsIn finds what looks like a command in a file, as its kind of file shows it.
func commandsIn(t *testing.T, path string) (found []string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	switch name := filepath.Base(path); {
	case strings.HasSuffix(name, ".md"):
		return submatches(codeSpan, text)
	case strings.HasSuffix(name, ".html"):
		return submatches(htmlCode, text)
	case name == "config.yaml":
		return ourVerbs.FindAllString(strings.ReplaceAll(text, "\n#", ""), -1)
	case name == "Makefile":
		return submatches(inWords, strings.ReplaceAll(text, "'", "\n"))
	case name == "Dockerfile":
		for _, list := range submatches(jsonList, text) {
			var words []string
			if err := json.Unmarshal([]byte(list), &words); err != nil {
				t.Errorf("Dockerfile: %s: %v", list, err)
			}
			found = append(found, "broadcastbot "+strings.TrimPrefix(strings.Join(words, " "), "broadcastbot "))
		}
	case strings.HasSuffix(name, ".go"):
		for _, literal := range mustStrings(t, path) {
			found = append(found, submatches(inWords, literal)...)
		}
	}
	return found
}

// submatches returns what the groups have matched.
func submatches(pattern *regexp.Regexp, text string) (found []string) {
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		found = append(found, html.UnescapeString(strings.Join(match[1:], "")))
	}
	return found
}

// mustStrings returns the string literals of a Go file.
func mustStrings(t *testing.T, path string) (literals []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			text, _ := strconv.Unquote(literal.Value)
			literals = append(literals, text)
		}
		return true
	})
	return literals
}

func mustRun(t *testing.T, dir, program string, args ...string) {
	t.Helper()
	command := exec.Command(program, args...)
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
}

// checkPackages asks Debian whether it has packages of these names.
func checkPackages(t *testing.T, names []string) {
	out, err := exec.Command("apt-cache", append([]string{"show"}, names...)...).CombinedOutput()
	if err == nil {
		return
	}
	if exec.Command("apt-cache", "show", "gcc").Run() != nil {
		t.Skip("this machine has no list of Debian's packages")
	}
	t.Errorf("%v\n%s", err, out)
}

// dockerFlags are those of docker build and docker run that are used here.
var dockerFlags = map[string][]string{"build": {"-t"}, "run": {"-v", "-p", "-e"}}

// checkDocker checks names and flags; the image itself takes minutes.
func checkDocker(t *testing.T, line string) {
	words := strings.Fields(line)
	known, ok := dockerFlags[words[1]]
	for _, word := range words[2:] {
		ok = ok && (!strings.HasPrefix(word, "-") || slices.Contains(known, word))
	}
	if !ok {
		t.Errorf("not known to be right: %s", line)
	}
}

// placeholders are what a user puts in the place of words, for a machine on which nothing runs.
var placeholders = strings.NewReplacer(
	"https://radio.example.org/listen/…#…", testLink, "<this address>", testLink, "LINK", testLink,
	"URL", "http://127.0.0.1:1", "FILE", "config.yaml", "/data/", "", "'…'", "secret", "=… ", "=secret ",
)

const testLink = "http://127.0.0.1:1/listen/AAAAAAAAAAAAAAAAAAAAAA#AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh-goaKjpKWmp6ipqqs"

const filledConfig = `
homeserver: http://127.0.0.1:1
user: "@radio:example.org"
inviters: ["*"]
speakers: ["@alice:example.org"]
gateway: {listen: "127.0.0.1:0"}
`

// mustWorkshop returns a folder in which the commands find what they name.
func mustWorkshop(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	program, err := exec.LookPath("broadcastbot") // testscript has put it there
	if err == nil {
		err = errors.Join(os.Mkdir(filepath.Join(dir, "bin"), 0o700), os.Symlink(program, filepath.Join(dir, "bin", "broadcastbot")))
	}
	vector, readErr := os.ReadFile(root + "/opusblocks/testdata/vectors/ok")
	if err := errors.Join(err, readErr, os.WriteFile(filepath.Join(dir, "recording.mxc"), vector[bytes.Index(vector, []byte("\n\n"))+2:], 0o600)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// checkOwn runs a command of ours. What only works on a machine that has an account, a show or a
// microphone must fail for the want of that, and not because of its words.
func checkOwn(t *testing.T, dir, line string) {
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(filledConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	verb := strings.Fields(line[len(assignments.FindString(line)):])[1]
	code, said := shell(t, dir, placeholders.Replace(line))
	works := slices.Contains([]string{"config", "check-config", "inspect", "version"}, verb) && !strings.Contains(line, "-link") // there is no link here
	if code > 1 || code != 0 && works {
		t.Errorf("code %d:\n%s", code, said)
	}
}

// shell runs a line until it ends, or until a server that it starts is ready.
func shell(t *testing.T, dir, line string) (code int, said string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	prefix := assignments.FindString(line)
	command := exec.CommandContext(ctx, "sh", "-c", prefix+"exec "+line[len(prefix):])
	command.Dir = dir
	command.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME=", "BROADCASTBOT_PASSWORD=secret")
	output, input := io.Pipe()
	command.Stdout, command.Stderr = input, input
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { input.CloseWithError(command.Wait()) }()
	ready := false
	for lines := bufio.NewScanner(output); lines.Scan(); {
		said += lines.Text() + "\n"
		if strings.Contains(line, "broadcastbot gateway") && strings.Contains(lines.Text(), "listening for HTTP") {
			ready = true
			stop()
		}
	}
	if ready {
		return 0, said
	}
	return command.ProcessState.ExitCode(), said
}

// TestUsageNamesItsFlags: what the first line of a command's usage promises, the flags below it keep.
func TestUsageNamesItsFlags(t *testing.T) {
	for _, c := range verbs() {
		var out bytes.Buffer
		if code := run(t.Context(), []string{c.name, "-h"}, io.Discard, &out); code != 0 {
			t.Errorf("%s -h: code %d", c.name, code)
		}
		usage, flags, _ := strings.Cut(out.String(), "\n")
		for word := range strings.FieldsSeq(usage) {
			if name, isFlag := strings.CutPrefix(word, "-"); isFlag && !strings.Contains(flags, "  -"+name) {
				t.Errorf("%s has no flag %s:\n%s", c.name, word, out.String())
			}
		}
	}
}
