package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// says answers every request with a word.
func says(word string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, word) })
}

func newTestFront() *front { return newFront(slog.New(slog.DiscardHandler)) }

func mustListen(t *testing.T, f *front) {
	t.Helper()
	if err := f.listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
}

// get returns what is answered, or the error.
func get(url string) string {
	response, err := http.Get(url)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

func TestFrontGivesEachPartItsRequests(t *testing.T) {
	f := newTestFront()
	f.mount("/", says("gateway"), nil)
	f.mount("/speak/", says("ingest"), nil)
	f.mount("/metrics", says("metrics"), nil)
	mustListen(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- f.serve(ctx) }()
	for path, want := range map[string]string{
		"/": "gateway", "/live/abc": "gateway", "/metrics/else": "gateway",
		"/speak/": "ingest", "/speak/whip/abc": "ingest", "/metrics": "metrics",
	} {
		if got := get(f.localURL() + path); got != want {
			t.Errorf("%s is answered by %s, want %s", path, got, want)
		}
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// TestFrontShutsDownInOrder: parts end one after the other, each while those mounted before it still
// work, and requests that they let end are waited for.
func TestFrontShutsDownInOrder(t *testing.T) {
	f := newTestFront()
	var order []string
	note := func(name string) func() error {
		return func() error { order = append(order, name); return nil }
	}
	running, release := make(chan struct{}), make(chan struct{})
	f.mount("/", says("gateway"), note("gateway"))
	f.mount("/slow", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(running)
		<-release
		io.WriteString(w, "done")
	}), func() error { close(release); return note("slow")() })
	mustListen(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	served, got := make(chan error), make(chan string)
	go func() { served <- f.serve(ctx) }()
	go func() { got <- get(f.localURL() + "/slow") }()
	<-running
	cancel()
	if answer := <-got; answer != "done" {
		t.Errorf("the running request is answered %q", answer)
	}
	if err := <-served; err != nil || !slices.Equal(order, []string{"slow", "gateway"}) {
		t.Errorf("serve = %v, closed in the order %v", err, order)
	}
}

// TestFrontThatBreaks: without its port the front ends with an error, and its parts with it.
func TestFrontThatBreaks(t *testing.T) {
	f := newTestFront()
	errPart := errors.New("the disk is full")
	f.mount("/", says("gateway"), func() error { return errPart })
	mustListen(t, f)
	f.listener.Close()
	if err := f.serve(t.Context()); !errors.Is(err, errPart) || !strings.Contains(err.Error(), "serve HTTP") {
		t.Errorf("serve = %v", err)
	}
}

// TestFrontWithoutParts needs no port.
func TestFrontWithoutParts(t *testing.T) {
	f := newTestFront()
	if err := errors.Join(f.listen("no address"), f.serve(t.Context()), f.close()); err != nil {
		t.Error(err)
	}
}
