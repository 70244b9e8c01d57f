package bot

import (
	"maps"
	"slices"
	"sync"
	"time"

	"maunium.net/go/mautrix/id"
)

// allowance is how much of something each user gets: at most so many within a time.
type allowance struct {
	most   int
	within time.Duration

	mu    sync.Mutex
	taken map[id.UserID][]time.Time
}

func newAllowance(most int, within time.Duration) *allowance {
	return &allowance{most: most, within: within, taken: make(map[id.UserID][]time.Time)}
}

// take notes that a user gets one more, or returns false if that would be too much.
func (a *allowance) take(user id.UserID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(a.taken, func(user id.UserID, times []time.Time) bool {
		a.taken[user] = slices.DeleteFunc(times, func(at time.Time) bool { return now.Sub(at) >= a.within })
		return len(a.taken[user]) == 0
	})
	if len(a.taken[user]) >= a.most {
		return false
	}
	a.taken[user] = append(a.taken[user], now)
	return true
}
