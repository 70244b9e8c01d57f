package bot

import (
	"log/slog"
	"slices"
	"testing"
)

// TestInTurn: a lane's tasks are done in order, and another's meanwhile.
func TestInTurn(t *testing.T) {
	q := newTaskQueue(slog.New(slog.DiscardHandler))
	release, elsewhere := make(chan struct{}), make(chan struct{})
	var done []int
	for i := range 3 {
		q.enqueue(lane{room, alice}, false, func() {
			<-release
			done = append(done, i) // no lock: the race detector sees who is not in turn
		})
	}
	q.enqueue(lane{room, bob}, false, func() { close(elsewhere) })
	<-elsewhere
	close(release)
	q.wait()
	if !slices.Equal(done, []int{0, 1, 2}) {
		t.Errorf("done in the order %v", done)
	}
	if len(q.waiting) > 0 {
		t.Errorf("%d lanes are remembered without need", len(q.waiting))
	}
}

// TestFlood: of many tasks only some wait; urgent ones have room where others have none, and what makes
// others pointless takes their place.
func TestFlood(t *testing.T) {
	for _, test := range []struct {
		name string
		last func(q *taskQueue, task func())
		want int // tasks done after the one that is being done
	}{
		{"Dropped", func(q *taskQueue, task func()) { q.enqueue(lane{room: room}, false, task) }, maxWaiting},
		{"Urgent", func(q *taskQueue, task func()) { q.enqueue(lane{room: room}, true, task) }, maxWaiting + 1},
		{"Instead", func(q *taskQueue, task func()) { q.replaceWaiting(room, task) }, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			q := newTaskQueue(slog.New(slog.DiscardHandler))
			begun, release := make(chan struct{}), make(chan struct{})
			q.enqueue(lane{room: room}, false, func() { close(begun); <-release })
			<-begun
			done := 0
			for range 2 * maxWaiting {
				q.enqueue(lane{room: room}, false, func() { done++ })
			}
			test.last(q, func() { done++ })
			close(release)
			q.wait()
			if done != test.want {
				t.Errorf("%d tasks were done, want %d", done, test.want)
			}
		})
	}
}
