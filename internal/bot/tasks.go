package bot

import (
	"log/slog"
	"sync"

	"maunium.net/go/mautrix/id"
)

// taskQueue runs tasks in the background: those of a lane one after the other, those of several
// lanes side by side.
type taskQueue struct {
	log     *slog.Logger
	running sync.WaitGroup // a goroutine for each lane that has tasks

	mu      sync.Mutex
	waiting map[lane][]func() // a lane is in it while its tasks are run
}

// lane is whose tasks wait for each other: what one user says in a room is done in its order, and
// nobody else can delay it or push it out. Without a user it is what the bot says in the room, and with
// the bot as the user, what it reads there later.
type lane struct {
	room id.RoomID
	user id.UserID
}

func newTaskQueue(log *slog.Logger) *taskQueue {
	return &taskQueue{log: log, waiting: make(map[lane][]func())}
}

// maxWaiting is how many tasks of a lane may wait: a flood must not pile up. For urgent ones there is
// as much room again.
const maxWaiting = 16

// enqueue runs a task after those that came before it in the same lane. A task too many is dropped.
func (q *taskQueue) enqueue(l lane, isUrgent bool, task func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	limit := maxWaiting
	if isUrgent {
		limit = 2 * maxWaiting
	}
	waiting := q.waiting[l]
	if len(waiting) >= limit {
		q.log.Warn("dropped a command or an answer: too many are waiting already", "room", l.room, "user", l.user)
		return
	}
	q.setWaiting(l, append(waiting, task))
}

// replaceWaiting runs a task that makes those that wait in a room's own lane pointless: only the one
// that runs already is waited for, the others are dropped.
func (q *taskQueue) replaceWaiting(room id.RoomID, task func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.setWaiting(lane{room: room}, []func(){task})
}

// setWaiting says which tasks of a lane wait, and has them run unless that is under way already.
// The caller holds the lock.
func (q *taskQueue) setWaiting(l lane, tasks []func()) {
	_, isRunning := q.waiting[l]
	q.waiting[l] = tasks
	if !isRunning {
		q.running.Go(func() { q.runTasks(l) })
	}
}

// runTasks runs the lane's tasks until none is left.
func (q *taskQueue) runTasks(l lane) {
	for task, ok := q.next(l); ok; task, ok = q.next(l) {
		task()
	}
}

// next takes the lane's first task out. Without one, ok is false, and the lane's next task needs a
// new goroutine.
func (q *taskQueue) next(l lane) (task func(), ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := q.waiting[l]
	if len(waiting) == 0 {
		delete(q.waiting, l)
		return nil, false
	}
	q.waiting[l] = waiting[1:]
	return waiting[0], true
}

// runBeside runs a task at once, beside those of the lanes.
func (q *taskQueue) runBeside(task func()) { q.running.Go(task) }

// wait returns when all tasks are done.
func (q *taskQueue) wait() { q.running.Wait() }
