// Package browser drives a real Chromium for tests: it opens pages, uses them
// as a person does, and records what is heard.
//
// A node process, driver.mjs, does the work with playwright-core; Go tells it
// what to do, a line of JSON for each command. Both end with the test, also
// when it is killed: the end of the driver's input ends the driver, and the end
// of the driver's pipe ends Chromium.
package browser

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

//go:embed driver.mjs
var driver string

// patience bounds what a browser is waited for. No test is decided by it.
const patience = 30 * time.Second

// Browser is a running Chromium with a fresh profile.
type Browser struct {
	stdin io.WriteCloser

	mu      sync.Mutex
	pages   int
	asked   int
	waiting map[int]chan answer
	err     error // why nothing is answered any more
}

type answer struct {
	ID    int
	Value json.RawMessage
	Error string
}

// Start starts a browser, with some more flags of Chromium, that ends with the
// test. Where something is missing that it needs, the test is skipped and told
// what.
func Start(t testing.TB, flags ...string) *Browser {
	t.Helper()
	tools, err := findTools(t.Context())
	if err != nil {
		t.Skipf("no browser: %v", err)
	}
	cmd := exec.Command(tools.node, "--input-type=module", "--eval", driver)
	cmd.Env = append(os.Environ(), "BROWSER_CHROMIUM="+tools.chromium, "BROWSER_MODULES="+tools.modules, "BROWSER_FLAGS="+strings.Join(flags, "\n"))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal("start node:", err)
	}
	b := &Browser{stdin: stdin, waiting: map[int]chan answer{}}
	ready := b.expect(0)
	var reading sync.WaitGroup
	reading.Go(func() { b.read(stdout) })
	t.Cleanup(func() {
		stdin.Close()
		hang := time.AfterFunc(patience, func() { cmd.Process.Kill() })
		defer hang.Stop()
		reading.Wait()
		cmd.Wait()
	})
	if _, err := b.await(ready); err != nil {
		t.Fatal("start Chromium:", err)
	}
	return b
}

// expect makes the place where an answer will be put.
func (b *Browser) expect(id int) chan answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	ch := make(chan answer, 1)
	b.waiting[id] = ch
	if b.err != nil {
		close(ch)
	}
	return ch
}

func (b *Browser) read(stdout io.Reader) {
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadBytes('\n')
		var a answer
		if err == nil {
			err = json.Unmarshal(line, &a)
		}
		if err != nil {
			b.stop(fmt.Errorf("the driver has ended: %w", err))
			io.Copy(io.Discard, lines)
			return
		}
		b.mu.Lock()
		if ch, ok := b.waiting[a.ID]; ok {
			delete(b.waiting, a.ID)
			ch <- a
		}
		b.mu.Unlock()
	}
}

// stop tells everybody who waits that there will be no answer.
func (b *Browser) stop(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
	for _, ch := range b.waiting {
		close(ch)
	}
}

func (b *Browser) await(ch chan answer) (json.RawMessage, error) {
	select {
	case a, ok := <-ch:
		if !ok {
			return nil, b.err
		}
		if a.Error != "" {
			return nil, errors.New(a.Error)
		}
		return a.Value, nil
	case <-time.After(2 * patience):
		return nil, errors.New("the browser does not answer")
	}
}

// command has a page do something. fields are the command's arguments.
func (b *Browser) command(page int, name string, fields map[string]any) (json.RawMessage, error) {
	b.mu.Lock()
	b.asked++
	id := b.asked
	b.mu.Unlock()
	message := map[string]any{"id": id, "page": page, "name": name}
	for key, value := range fields {
		message[key] = value
	}
	line, err := json.Marshal(message)
	if err != nil {
		return nil, err
	}
	ch := b.expect(id)
	b.mu.Lock()
	_, err = b.stdin.Write(append(line, '\n'))
	b.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("tell the driver: %w", err)
	}
	return b.await(ch)
}
