//go:build unix

package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"broadcastbot/internal/dendrite"
)

// Firefox is a running Firefox with a fresh profile and one page, driven by
// WebDriver BiDi. What it cannot do fails the test. It belongs to one goroutine.
type Firefox struct {
	t       testing.TB
	conn    *websocket.Conn
	context string // the page
	asked   int
	errors  []string
}

// StartFirefox starts a Firefox with some preferences, lines of a user.js. It
// ends with the test. Where it is missing, the test is skipped and told what.
func StartFirefox(t testing.TB, preferences ...string) *Firefox {
	t.Helper()
	program, err := findFirefox()
	if err != nil {
		t.Skipf("no Firefox: %v", err)
	}
	profile := t.TempDir()
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(strings.Join(preferences, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0", "about:blank")
	cmd.Env = append(os.Environ(), "HOME="+profile)
	dendrite.DieWithParent(cmd) // and lead a group
	address, err := startAndListen(cmd)
	t.Cleanup(func() { endGroup(cmd) })
	if err != nil {
		t.Fatal("start Firefox:", err)
	}
	f := &Firefox{t: t}
	if f.conn, _, err = websocket.Dial(t.Context(), address+"/session", nil); err != nil {
		t.Fatal("drive Firefox:", err)
	}
	f.conn.SetReadLimit(64 << 20)
	t.Cleanup(func() { f.conn.CloseNow() })
	f.open()
	return f
}

func findFirefox() (string, error) {
	for _, name := range []string{"firefox-esr", "firefox"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("neither firefox-esr nor firefox is a program; get it with: apt-get install firefox-esr")
}

var listening = regexp.MustCompile(`WebDriver BiDi listening on (ws://\S+)`)

// startAndListen returns where Firefox listens for its driver.
func startAndListen(cmd *exec.Cmd) (address string, err error) {
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	said := bufio.NewScanner(stderr)
	for said.Scan() {
		if match := listening.FindStringSubmatch(said.Text()); match != nil {
			go func() { // Firefox would wait for whoever reads what it says
				for said.Scan() {
				}
			}()
			return match[1], nil
		}
	}
	return "", errors.New("it has ended")
}

// endGroup ends Firefox and the processes that it has started.
func endGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
	}
}

func (f *Firefox) open() {
	f.t.Helper()
	f.must("session.new", map[string]any{"capabilities": map[string]any{}}, nil)
	f.must("session.subscribe", map[string]any{"events": []string{"log.entryAdded"}}, nil)
	var tree struct{ Contexts []struct{ Context string } }
	f.must("browsingContext.getTree", map[string]any{}, &tree)
	f.context = tree.Contexts[0].Context
}

// must sends a command and waits for its answer.
func (f *Firefox) must(method string, params map[string]any, result any) {
	f.t.Helper()
	if err := f.command(method, params, result); err != nil {
		f.t.Fatalf("Firefox cannot %s: %v; its complaints: %q", method, err, f.errors)
	}
}

func (f *Firefox) command(method string, params map[string]any, result any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	f.asked++
	if err := wsjson.Write(ctx, f.conn, map[string]any{"id": f.asked, "method": method, "params": params}); err != nil {
		return err
	}
	for {
		var answer struct {
			ID             int
			Type           string
			Error, Message string
			Result         json.RawMessage
			Params         struct{ Level, Text string }
		}
		if err := wsjson.Read(ctx, f.conn, &answer); err != nil {
			return err
		}
		switch {
		case answer.Type == "event":
			if answer.Params.Level == "error" {
				f.errors = append(f.errors, answer.Params.Text)
			}
		case answer.ID != f.asked:
		case answer.Type == "error":
			return fmt.Errorf("%s: %s", answer.Error, answer.Message)
		case result == nil:
			return nil
		default:
			return json.Unmarshal(answer.Result, result)
		}
	}
}

// Goto loads an address.
func (f *Firefox) Goto(url string) {
	f.t.Helper()
	f.must("browsingContext.navigate", map[string]any{"context": f.context, "url": url, "wait": "complete"}, nil)
}

// Reload loads the page once more.
func (f *Firefox) Reload() {
	f.t.Helper()
	f.must("browsingContext.reload", map[string]any{"context": f.context, "wait": "complete"}, nil)
}

// Eval evaluates an expression, awaits it, and puts its value into result
// unless that is nil.
func (f *Firefox) Eval(expression string, result any) {
	f.t.Helper()
	if err := f.evaluate(expression, false, result); err != nil {
		f.t.Fatalf("Firefox cannot evaluate %s: %v; its complaints: %q", expression, err, f.errors)
	}
}

func (f *Firefox) evaluate(expression string, isGesture bool, result any) error {
	var answer struct {
		Result           struct{ Value string }
		ExceptionDetails struct{ Text string }
	}
	err := f.command("script.evaluate", map[string]any{
		"expression": "(async () => JSON.stringify((await (" + expression + ")) ?? null))()",
		"target":     map[string]any{"context": f.context}, "awaitPromise": true, "userActivation": isGesture,
	}, &answer)
	switch {
	case err != nil:
		return err
	case answer.ExceptionDetails.Text != "":
		return errors.New(answer.ExceptionDetails.Text)
	case result == nil:
		return nil
	}
	return json.Unmarshal([]byte(answer.Result.Value), result)
}

// Wait waits until an expression is true.
func (f *Firefox) Wait(expression string) {
	f.t.Helper()
	var last any
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if err := f.evaluate(expression, false, &last); err != nil {
			last = err.Error() // while a page loads there is nobody to ask
		}
		if last == true {
			return
		}
	}
	f.t.Fatalf("after %v this is %v, not true: %s; the page's complaints: %q", patience, last, expression, f.errors)
}

// Click clicks the element that a CSS selector finds, as a person does.
func (f *Firefox) Click(selector string) {
	f.t.Helper()
	quoted, _ := json.Marshal(selector) // a string
	if err := f.evaluate(fmt.Sprintf("void document.querySelector(%s).click()", quoted), true, nil); err != nil {
		f.t.Fatalf("Firefox cannot click %s: %v", selector, err)
	}
}
