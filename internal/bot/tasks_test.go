package bot

import (
	"log/slog"
	"slices"
	"testing"
)

// TestInTurn: a room's tasks are done in order, and another room's meanwhile.
func TestInTurn(t *testing.T) {
	q := newTaskQueue(slog.New(slog.DiscardHandler))
	release, elsewhere := make(chan struct{}), make(chan struct{})
	var done []int
	for i := range 3 {
		q.enqueue("!one", func() {
			<-release
			done = append(done, i) // no lock: the race detector sees who is not in turn
		})
	}
	q.enqueue("!two", func() { close(elsewhere) })
	<-elsewhere
	close(release)
	q.wait()
	if !slices.Equal(done, []int{0, 1, 2}) {
		t.Errorf("done in the order %v", done)
	}
	if len(q.waiting) > 0 {
		t.Errorf("%d rooms are remembered without need", len(q.waiting))
	}
}

// TestFlood: of many tasks only some wait, and one that makes them pointless
// does not.
func TestFlood(t *testing.T) {
	for _, test := range []struct {
		name    string
		instead bool
		want    int // tasks done after the one that is being done
	}{{"Dropped", false, maxWaiting}, {"Instead", true, 1}} {
		t.Run(test.name, func(t *testing.T) {
			q := newTaskQueue(slog.New(slog.DiscardHandler))
			begun, release := make(chan struct{}), make(chan struct{})
			q.enqueue(room, func() { close(begun); <-release })
			<-begun
			done := 0
			for range 2 * maxWaiting {
				q.enqueue(room, func() { done++ })
			}
			if test.instead {
				q.replaceWaiting(room, func() { done++ })
			}
			close(release)
			q.wait()
			if done != test.want {
				t.Errorf("%d tasks were done, want %d", done, test.want)
			}
		})
	}
}
