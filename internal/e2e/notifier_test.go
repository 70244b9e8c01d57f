package e2e

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"
)

// notifier takes a program's output and tells when it says something.
type notifier struct {
	want string
	seen chan struct{}

	mu   sync.Mutex
	text bytes.Buffer
	done bool
}

func newNotifier(want string) *notifier { return &notifier{want: want, seen: make(chan struct{})} }

func (n *notifier) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text.Write(p)
	if !n.done && strings.Contains(n.text.String(), n.want) {
		n.done = true
		close(n.seen)
	}
	return len(p), nil
}

func (n *notifier) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

func (n *notifier) mustSee(t testing.TB) {
	t.Helper()
	select {
	case <-n.seen:
	case <-time.After(30 * time.Second):
		t.Fatalf("the program does not say %q but\n%s", n.want, n)
	}
}
