package bot

import (
	"log/slog"
	"sync"

	"maunium.net/go/mautrix/id"
)

// taskQueue runs tasks in the background: those of a room one after the other, those of several
// rooms side by side.
type taskQueue struct {
	log     *slog.Logger
	running sync.WaitGroup // a goroutine for each room that has tasks

	mu      sync.Mutex
	waiting map[id.RoomID][]func() // a room is in it while its tasks are run
}

func newTaskQueue(log *slog.Logger) *taskQueue {
	return &taskQueue{log: log, waiting: make(map[id.RoomID][]func())}
}

// maxWaiting is how many tasks of a room may wait. Answers go out one by one, as fast as the
// homeserver allows; a flood of commands must not pile up.
const maxWaiting = 16

// enqueue runs a task after those that came before it from the same room. A task too many is
// dropped.
func (q *taskQueue) enqueue(room id.RoomID, task func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := q.waiting[room]
	if len(waiting) >= maxWaiting {
		q.log.Warn("dropped a command: too many of this room are waiting already", "room", room)
		return
	}
	q.setWaiting(room, append(waiting, task))
}

// replaceWaiting runs a task that makes those that wait in its room pointless: only the one that
// runs already is waited for, the others are dropped.
func (q *taskQueue) replaceWaiting(room id.RoomID, task func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if dropped := len(q.waiting[room]); dropped > 0 {
		q.log.Info("dropped what was still waiting", "room", room, "count", dropped)
	}
	q.setWaiting(room, []func(){task})
}

// setWaiting says which tasks of a room wait, and has them run unless that is under way already.
// The caller holds the lock.
func (q *taskQueue) setWaiting(room id.RoomID, tasks []func()) {
	_, isRunning := q.waiting[room]
	q.waiting[room] = tasks
	if !isRunning {
		q.running.Go(func() { q.runTasks(room) })
	}
}

// runTasks runs the room's tasks until none is left.
func (q *taskQueue) runTasks(room id.RoomID) {
	for task, ok := q.next(room); ok; task, ok = q.next(room) {
		task()
	}
}

// next takes the room's first task out. Without one, ok is false, and the room's next task needs a
// new goroutine.
func (q *taskQueue) next(room id.RoomID) (task func(), ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := q.waiting[room]
	if len(waiting) == 0 {
		delete(q.waiting, room)
		return nil, false
	}
	q.waiting[room] = waiting[1:]
	return waiting[0], true
}

// runBeside runs a task at once, beside those of the rooms.
func (q *taskQueue) runBeside(task func()) { q.running.Go(task) }

// wait returns when all tasks are done.
func (q *taskQueue) wait() { q.running.Wait() }
